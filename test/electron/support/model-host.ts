import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { CatalogueModel } from '../../../electron/shared/catalogue.ts';

/** A request as the host heard it. */
export interface Heard {
  method: string;
  url: string;
  range: string | undefined;
  ifRange: string | undefined;
}

/** Answers a request in place of the host; true when it did. `content`: what is asked for, where it is a file. */
export type Misbehaviour = (
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer | undefined,
) => boolean;

/**
 * A server that answers as Hugging Face and Google Drive do, for files that it is given: a mirror of both, below whose address
 * every host has a folder. Shapes of the answers as recorded: the `resolve` address sends to a content network with the size
 * and SHA-256 in its headers; Google Drive asks with a page whether a file above 100 MB is wanted unless the address says so.
 */
export class ModelHost {
  readonly heard: Heard[] = [];
  /** What it does otherwise than the real hosts. */
  misbehave: Misbehaviour | undefined;
  /** Whether Google Drive shows its page although the address confirms. */
  showsPage = false;
  readonly #files = new Map<string, Buffer>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => this.#answer(request, response));
  }

  static async start(t: Pick<TestContext, 'after'>): Promise<ModelHost> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    return new ModelHost(server);
  }

  /** What WINNOW_MODEL_MIRROR names. */
  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Gives the file of a model. */
  put({ file }: CatalogueModel, content: Buffer): void {
    this.#files.set(keyOf(new URL(file.address)), content);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '' } = request;
    const { range, 'if-range': ifRange } = request.headers;
    this.heard.push({ method, url, range, ifRange: ifRange?.toString() });
    const place = new URL(url, this.address);
    const [host = '', ...rest] = place.pathname.slice(1).split('/');
    const content = this.#files.get(
      host === 'cdn'
        ? (place.searchParams.get('file') ?? '')
        : keyOf(new URL(`https://${host}/${rest.join('/')}${place.search}`)),
    );
    if (this.misbehave?.(request, response, content) === true) return;
    if (content === undefined) return void response.writeHead(404).end('Entry not found');
    if (host === 'huggingface.co')
      return this.#sendOn(keyOf(new URL(`https://${host}/${rest.join('/')}`)), content, response);
    if (host === 'cdn') return sendFile(request, response, content, `"${etagOf(content)}"`);
    const { searchParams } = place;
    const asks = this.showsPage ? !searchParams.has('uuid') : searchParams.get('confirm') !== 't';
    if (asks)
      return void response
        .writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
        .end(drivePage(searchParams));
    response.setHeader('last-modified', 'Tue, 08 Apr 2025 03:12:41 GMT');
    response.setHeader('content-disposition', 'attachment; filename="best_checkpoint.pth"');
    sendFile(request, response, content);
  }

  /** As Hugging Face answers for a file in LFS: where it lies, and in its headers what it is. */
  #sendOn(file: string, content: Buffer, response: ServerResponse): void {
    response
      .writeHead(302, {
        location: `/cdn/repos/0c/4f/${etagOf(content)}?file=${encodeURIComponent(file)}&X-Amz-Expires=3600`,
        'content-type': 'text/plain; charset=utf-8',
        'x-linked-size': String(content.length),
        'x-linked-etag': `"${etagOf(content)}"`,
        'x-repo-commit': '57c1b3dc2253d3298153967e0abda3a287a757bf',
        'accept-ranges': 'bytes',
      })
      .end('Found. Redirecting');
  }
}

export function etagOf(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** One file of a host: the path at Hugging Face, the id at Google Drive. */
function keyOf(address: URL): string {
  return address.searchParams.get('id') ?? address.pathname;
}

/** The file or a part of it, with If-Range held against the ETag or the time of the last change. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer,
  etag?: string,
): void {
  if (etag !== undefined) response.setHeader('etag', etag);
  response.setHeader('content-type', 'application/octet-stream');
  response.setHeader('accept-ranges', 'bytes');
  const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
  const condition = request.headers['if-range'];
  const holds = condition === undefined || condition === (etag ?? response.getHeader('last-modified'));
  if (from === undefined || !holds) {
    response.writeHead(200, { 'content-length': content.length }).end(content);
    return;
  }
  const start = Number(from);
  if (start >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    return;
  }
  response
    .writeHead(206, {
      'content-length': content.length - start,
      'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
    })
    .end(content.subarray(start));
}

/** The page with which Google Drive asks whether a file that it did not scan for viruses is wanted. */
function drivePage(asked: URLSearchParams): string {
  const id = asked.get('id') ?? '';
  return `<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body>
<p class="uc-warning-caption">Google Drive can't scan this file for viruses.</p>
<form id="download-form" action="https://drive.usercontent.google.com/download" method="get">
<input type="submit" id="uc-download-link" class="goog-inline-block jfk-button jfk-button-action" value="Download anyway"/>
<input type="hidden" name="id" value="${id}"><input type="hidden" name="export" value="download">
<input type="hidden" name="confirm" value="t"><input type="hidden" name="uuid" value="fe0fb91b-5283-4c1c-a699-22fac24614a9">
</form></body></html>`;
}

import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { AppService } from '../../../electron/core/app-service.ts';
import { catalogueModel } from '../../../electron/core/catalogue/read-catalogue.ts';
import type { DownloadOptions } from '../../../electron/core/services/download-service.ts';
import type { Download } from '../../../electron/shared/api/downloads.ts';
import type { CatalogueModel } from '../../../electron/shared/catalogue.ts';
import type { Clock } from '../../../electron/shared/clock.ts';
import { setVariables } from './environment.ts';
import { nextEvent } from './events.ts';
import { etagOf, ModelHost } from './model-host.ts';
import { smallModel } from './small-catalogue.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { session } from './test-app.ts';
import type { Session } from './test-app.ts';

export interface DownloadApp extends Session {
  host: ModelHost;
  model: CatalogueModel;
  content: Buffer; // of the model's file
  data: string;
  /** Seconds that were waited for, in place of waiting. */
  waits: number[];
  /** Another app on the same data, as after a restart. */
  again: (options?: DownloadOptions) => Session;
}

/** An app whose catalogue has one model, and a host that has its file. */
export async function downloadApp(
  t: TestContext,
  { name = 'vim-t', clock, ...given }: DownloadOptions & { name?: string; clock?: Clock } = {},
): Promise<DownloadApp> {
  const host = await ModelHost.start(t);
  setVariables(t, { WINNOW_MODEL_MIRROR: host.address });
  const { model, content } = smallModel(catalogueModel(name));
  host.put(model, content);
  const data = temporaryFolder(t);
  const waits: number[] = [];
  const noWait = (milliseconds: number, signal: AbortSignal) => {
    signal.throwIfAborted();
    waits.push(milliseconds / 1000);
    return Promise.resolve();
  };
  const again = (other: DownloadOptions = {}) =>
    session(t, join(data, 'library.db'), {
      ...(clock === undefined ? {} : { clock }),
      downloads: { models: [model], wait: noWait, ...given, ...other },
    });
  return { ...again(), host, model, content, data, waits, again };
}

const OVER = new Set<Download['phase']>(['done', 'paused', 'failed']);

/** Fetches a model, to its end or until it is paused. */
export async function fetched(app: AppService, model: string): Promise<Download> {
  const ended = nextEvent(
    app,
    (event) => event.type === 'download' && event.download.model === model && OVER.has(event.download.phase),
  );
  await app.startDownload({ model });
  const event = await ended;
  if (event.type !== 'download') throw new Error('Another event than was waited for');
  return event.download;
}

/** Of a model whose file lies at Google Drive. */
export const DRIVE = { name: 'dyvm-vim-s' };

export function assertDone({ phase, error }: Download): void {
  assert.deepEqual([phase, error], ['done', undefined]);
}

export function assertFailed(download: Download, message: RegExp, hint: RegExp): void {
  assert.equal(download.phase, 'failed');
  assert.equal(download.error?.code, 'NETWORK');
  assert.match(download.error.message, message);
  assert.match(download.error.hint ?? '', hint);
}

/** Sends the head of a file and breaks the connection when these bytes have come. */
export function breakAfter(
  bytes: number,
  given: DownloadApp,
  response: ServerResponse,
  headers: Record<string, string> = {},
): true {
  response.writeHead(200, { 'content-length': given.content.length, ...headers });
  response.write(given.content.subarray(0, bytes));
  void breakAt(bytes, given, response);
  return true;
}

/** Breaks a connection when so many bytes of the file are on the disk. */
export async function breakAt(
  bytes: number,
  { data, model }: DownloadApp,
  response: ServerResponse,
): Promise<void> {
  const partial = join(data, 'downloads', model.name, 'partial');
  while (statSync(partial, { throwIfNoEntry: false })?.size !== bytes) await wait(5);
  response.destroy();
}

/** Whether the content network of Hugging Face is asked. */
export const isContent = (url: string | undefined) => url?.startsWith('/cdn/') === true;

/** The package that was made is that of the host's very file. */
export async function assertSameFile({ app, model, content }: DownloadApp): Promise<void> {
  const { manifest } = await app.verifyModel({ model: model.name });
  assert.equal(manifest.provenance.sha256, etagOf(content));
}

import type { ConsoleMessage, Page } from 'playwright-core';

interface WatchOptions {
  /** Messages on the console that the test brings about. */
  expected: readonly RegExp[];
  /** What must not happen is added here, in words. */
  problems: string[];
}

/**
 * Notes errors and warnings on the console (violations of the content security policy are among them), exceptions, and
 * requests that leave the origin.
 */
export function watchPage(page: Page, origin: string, { expected, problems }: WatchOptions): void {
  const isOwn = (url: string) => [origin, 'data:', `blob:${origin}`].some((start) => url.startsWith(start));
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    const text = describe(message);
    if (!expected.some((pattern) => pattern.test(text))) problems.push(text);
  });
  page.on('pageerror', (error) => problems.push(`exception: ${error.stack ?? error.message}`));
  page.on('request', (request) => {
    if (!isOwn(request.url())) problems.push(`request to ${request.url()}`);
  });
  page.on('websocket', (socket) => {
    if (!isOwn(socket.url().replace(/^ws/, 'http'))) problems.push(`socket to ${socket.url()}`);
  });
}

function describe(message: ConsoleMessage): string {
  const { url, lineNumber } = message.location();
  return `console: ${message.text()} (${url}:${lineNumber})`;
}

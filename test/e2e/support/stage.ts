import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Page } from 'playwright-core';
import { root } from '../../../build/setup.mjs';
import { openBrowser } from './browser.ts';
import { answerDialog, openElectron } from './electron-app.ts';
import { serve } from './serve.ts';
import { inTime, PATIENCE_MS } from './until.ts';
import { watchPage } from './watch-page.ts';
import { WinnowWindow } from './window.ts';
import type { Theme } from './window.ts';

export interface OpenOptions {
  /** Data folder; a new one when left out. */
  data?: string;
  viewport?: { width: number; height: number };
  theme?: Theme;
  /** Errors on the console that the test brings about. */
  expected?: RegExp[];
}

/** Opens windows, and clears away what was made, the last first. */
export class Stage {
  readonly #isElectron: boolean;
  readonly #cleanups: (() => unknown)[] = [];
  /** What must not have happened in a window. */
  readonly #problems: string[] = [];
  readonly #pages: Page[] = [];

  constructor(isElectron = false) {
    this.#isElectron = isElectron;
  }

  /** A new folder that is removed at the end. Nothing lies beside it: others are passed on the way to it by keys. */
  folder(): string {
    const parent = realpathSync(mkdtempSync(join(tmpdir(), 'winnow-e2e-')));
    this.#cleanups.push(() => rmSync(parent, { recursive: true, force: true }));
    const folder = join(parent, basename(parent));
    mkdirSync(folder);
    return folder;
  }

  /** Opens the window. The check at the end fails when it logs an error, throws, or asks for anything outside its origin. */
  open({ data = this.folder(), viewport, theme, expected }: OpenOptions = {}): Promise<WinnowWindow> {
    const options = { viewport: viewport ?? { width: 1280, height: 800 }, colorScheme: theme ?? 'light' };
    const watch = (page: Page, origin: string) => {
      page.setDefaultTimeout(PATIENCE_MS);
      this.#pages.push(page);
      watchPage(page, origin, { expected: expected ?? [], problems: this.#problems });
    };
    return this.#isElectron
      ? this.#openElectron(data, options, watch)
      : this.#openBrowser(data, options, watch);
  }

  async #openBrowser(data: string, options: PageOptions, watch: Watch): Promise<WinnowWindow> {
    let server = await serve(data);
    this.#cleanups.push(() => server.stop());
    const crash = async () => {
      await server.kill();
      const { port } = new URL(server.url);
      return async (...options: string[]) => void (server = await serve(data, port, ...options));
    };
    const browser = await openBrowser();
    const context = await browser.newContext({ ...options, locale: 'en-US', reducedMotion: 'reduce' });
    this.#cleanups.push(() => context.close());
    const another = async (): Promise<WinnowWindow> => {
      const page = await context.newPage();
      watch(page, new URL(server.url).origin);
      await page.goto(server.url);
      return new WinnowWindow(page, { data, pid: server.pid, another, crash });
    };
    return another();
  }

  async #openElectron(data: string, options: PageOptions, watch: Watch): Promise<WinnowWindow> {
    const app = await openElectron(data);
    this.#cleanups.push(() => app.close());
    const page = await app.firstWindow();
    watch(page, 'winnow://app');
    await page.setViewportSize(options.viewport);
    await page.emulateMedia({ colorScheme: options.colorScheme, reducedMotion: 'reduce' });
    return new WinnowWindow(page, {
      data,
      pid: app.process().pid ?? 0,
      answerDialog: (path) => answerDialog(app, path),
      another: () => Promise.reject(new Error('The app has one window')),
    });
  }

  /** Fails when a window had problems. */
  check(): void {
    assert.deepEqual(this.#problems, []);
  }

  /** Writes what the windows show to out/e2e/failed-<name>.png. */
  async photographFailure(name: string): Promise<void> {
    const slug = name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .slice(0, 60);
    for (const [index, page] of this.#pages.entries())
      await page.screenshot({ path: join(root, `out/e2e/failed-${slug}-${index + 1}.png`) });
  }

  /** Clears away all of it, whatever part of it fails or does not come to an end. */
  async clear(): Promise<void> {
    const failures: unknown[] = [];
    for (const cleanup of this.#cleanups.reverse()) {
      try {
        await inTime('a window or its server to end', Promise.resolve(cleanup()));
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, String(failures[0]));
  }
}

interface PageOptions {
  viewport: { width: number; height: number };
  colorScheme: Theme;
}

type Watch = (page: Page, origin: string) => void;

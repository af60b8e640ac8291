import { once } from 'node:events';
import { after, test } from 'node:test';
import type { TestContext } from 'node:test';
import { closeBrowser, withoutBrowser } from './browser.ts';
import { killChildren } from './children.ts';
import { withoutElectron } from './electron-app.ts';
import { Stage } from './stage.ts';
import { PATIENCE_MS } from './until.ts';

after(async () => {
  try {
    await closeBrowser();
  } finally {
    killChildren();
  }
});

/**
 * A test of the window in a browser and, unless it is about browsers, the same in Electron; skipped with a reason where
 * there is none.
 */
export function e2e(
  name: string,
  work: (stage: Stage, t: TestContext) => Promise<void>,
  { inElectron = true } = {},
): void {
  const timeout = 4 * PATIENCE_MS;
  test(name, { timeout, skip: withoutBrowser }, (t) => play(t, new Stage(), work));
  if (inElectron)
    test(`${name} (in Electron)`, { timeout, skip: withoutElectron }, (t) => play(t, new Stage(true), work));
}

/** Does something on a stage, and clears it away, also when its time is over. What went wrong first is what counts. */
async function play(
  t: TestContext,
  stage: Stage,
  work: (stage: Stage, t: TestContext) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  const attempt = async (step: () => Promise<void> | void) => {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  };
  const over = once(t.signal, 'abort').then(() => t.signal.throwIfAborted());
  await attempt(() => Promise.race([work(stage, t), over]));
  await attempt(() => stage.check());
  if (failures.length > 0) await attempt(() => stage.photographFailure(t.name));
  await attempt(() => stage.clear());
  if (failures.length > 1) throw new AggregateError(failures, String(failures[0]));
  if (failures.length === 1) throw failures[0];
}

import { after, test } from 'node:test';
import type { TestContext } from 'node:test';
import { closeBrowser, withoutBrowser } from './browser.ts';
import { withoutElectron } from './electron-app.ts';
import { Stage } from './stage.ts';
import { PATIENCE_MS } from './until.ts';

after(closeBrowser);

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
  test(name, { timeout, skip: withoutBrowser }, (t) => play(t.name, new Stage(), (stage) => work(stage, t)));
  if (inElectron)
    test(`${name} (in Electron)`, { timeout, skip: withoutElectron }, (t) =>
      play(t.name, new Stage(true), (stage) => work(stage, t)),
    );
}

/** Does something on a stage, and clears it away. What went wrong first is what counts. */
async function play(name: string, stage: Stage, work: (stage: Stage) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  const attempt = async (step: () => Promise<void> | void) => {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  };
  await attempt(() => work(stage));
  await attempt(() => stage.check());
  if (failures.length > 0) await attempt(() => stage.photographFailure(name));
  await attempt(() => stage.clear());
  if (failures.length > 1) throw new AggregateError(failures, String(failures[0]));
  if (failures.length === 1) throw failures[0];
}

import { savedResults } from './library.ts';
import { say } from './say.ts';
import { until } from './until.ts';
import type { WinnowWindow } from './window.ts';

/** From the library: goes to a new run over all folders, with Accurate on one thread, which leaves time to intervene. */
export async function startSlowRun(window: WinnowWindow, model?: string): Promise<void> {
  const { page } = window;
  await window.visit('/new-run', say('new-run.title'));
  if (model !== undefined)
    await page.getByRole('combobox', { name: say('new-run.model') }).selectOption(model);
  await startSlowly(window);
}

/** In a new run: starts it with Accurate on one thread. */
export async function startSlowly({ page }: WinnowWindow): Promise<void> {
  await page.getByText(say('new-run.more'), { exact: true }).click();
  await page.getByRole('spinbutton', { name: say('new-run.threads') }).fill('1');
  await page.getByRole('button', { name: new RegExp(`^${say('preset.accurate')}`) }).click();
  await page.getByRole('button', { name: /^Label \d/ }).click();
}

/** Results of a run by status. */
export function countByStatus(data: string, runId: number): { ok: number; pending: number; failed: number } {
  const counts = { ok: 0, pending: 0, failed: 0 };
  for (const { status } of savedResults(data, runId)) counts[status]++;
  return counts;
}

/** Waits until a run has labelled more than `labelled` images and has others to do. */
export async function underWay({ data }: WinnowWindow, runId: number, labelled = 0): Promise<void> {
  const { pending } = await until(
    `run ${runId} to have labelled more than ${labelled} images`,
    () => countByStatus(data, runId),
    ({ ok }) => ok > labelled,
  );
  if (pending === 0) throw new Error(`Run ${runId} came to its end before anything could happen to it`);
}

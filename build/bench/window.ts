import os from 'node:os';
import { closeBrowser, withoutBrowser } from '../../test/e2e/support/browser.ts';
import { measureLargeLibrary, openLargeLibrary } from '../../test/e2e/support/large.ts';
import { Stage } from '../../test/e2e/support/stage.ts';
import { buildWindow } from '../setup.mjs';
import { median, printTable } from './tables.ts';

const ROUNDS = 3;

/** What a person waits for among the results of a run on very many images, in Chromium: medians, each window a new one. */
export async function benchWindow(count: number): Promise<void> {
  if (withoutBrowser !== false) {
    console.log(`\nThe window is not measured: ${withoutBrowser}.`);
    return;
  }
  buildWindow();
  const rounds = new Map<string, number[]>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const { what, milliseconds } of await measure(count))
      rounds.set(what, [...(rounds.get(what) ?? []), milliseconds]);
  }
  await closeBrowser();
  printTable(
    [`${count} images in Chromium on ${os.cpus()[0]?.model ?? 'this processor'}`, 'ms'],
    [...rounds].map(([what, times]) => [what, median(times).toFixed(0)]),
  );
}

async function measure(count: number) {
  const stage = new Stage();
  try {
    const { window, runId } = await openLargeLibrary(stage, count);
    return await measureLargeLibrary(window, runId, count);
  } finally {
    await stage.clear();
  }
}

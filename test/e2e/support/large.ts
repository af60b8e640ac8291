import assert from 'node:assert/strict';
import { join } from 'node:path';
import { sampleImages } from '../../electron/support/models.ts';
import { makeLargeLibrary } from '../../electron/support/large-library.ts';
import { sampleNames } from './pictures.ts';
import { format, say } from './say.ts';
import type { Stage } from './stage.ts';
import { until } from './until.ts';
import type { WinnowWindow } from './window.ts';

export interface Measured {
  what: string;
  milliseconds: number;
}

/** A window over a library with a run on very many images, whose files are copies of the sample pictures. */
export async function openLargeLibrary(
  stage: Stage,
  images: number,
): Promise<{ window: WinnowWindow; runId: number }> {
  const data = stage.folder();
  const { runId } = await makeLargeLibrary(join(data, 'library.db'), join(stage.folder(), 'large'), {
    images,
    pictures: sampleNames.map((name) => join(sampleImages, name)),
    shuffled: true,
  });
  return { window: await stage.open({ data }), runId };
}

/**
 * What a person does among the results of a large run, checked as it goes, with the time until the screen shows it. Of
 * scrolling it is the longest task that kept the page from answering.
 */
export async function measureLargeLibrary(
  window: WinnowWindow,
  runId: number,
  images: number,
): Promise<Measured[]> {
  const { page } = window;
  const measured: Measured[] = [];
  const shown = page.getByText(
    say('results.count', { filtered: 'false', total: format.count(images), count: images }),
    { exact: true },
  );
  const timed = async (what: string, work: () => Promise<unknown>) => {
    const started = performance.now();
    await work();
    measured.push({ what, milliseconds: performance.now() - started });
  };
  /** Waits for another number of images, fewer than all. */
  const filtered = () => page.getByText(new RegExp(`^[\\d,]+ of ${format.count(images)} images$`)).waitFor();

  await window.visit('/library', say('rail.library'));
  await timed('open the results', async () => {
    await window.visit(`/runs/${runId}/results`, say('runs.name', { run: runId }));
    await shown.waitFor();
    await page
      .getByRole('gridcell', { name: /album 00000|IMG_000/ })
      .first()
      .waitFor();
  });
  await timed('longest task while scrolling', () => scroll(window));
  const scrolled = measured.at(-1);
  if (scrolled) scrolled.milliseconds = await page.evaluate<number>('window.longestTask');

  await page.keyboard.press('j');
  await page.keyboard.press('End');
  await until('the last image', () =>
    page
      .getByRole('gridcell', {
        name: say('results.place', { index: format.count(images), count: format.count(images) }),
      })
      .count(),
  );

  const facets = page.getByRole('complementary', { name: say('facets.name') });
  const facet = facets.getByRole('button', { name: /^deer/ });
  await timed('choose a class', async () => {
    await facet.click();
    await filtered();
  });
  await timed('choose all classes again', async () => {
    await facet.click();
    await shown.waitFor();
  });
  const slider = page.getByRole('slider', { name: say('facets.least') });
  await slider.focus();
  await timed('move the least confidence', async () => {
    await page.keyboard.press('ArrowRight');
    await filtered();
  });
  await page.getByRole('button', { name: say('facets.clear') }).click();
  await shown.waitFor();
  await timed('search', async () => {
    await page.getByRole('searchbox').fill('album 00042');
    await page.getByText(new RegExp(`^100 of ${format.count(images)} images$`)).waitFor();
  });
  assert.ok((await page.getByRole('gridcell').count()) > 0);
  return measured;
}

/** Turns the wheel through the grid for a while, and jumps to its end; keeps the longest task in window.longestTask. */
async function scroll({ page }: WinnowWindow): Promise<void> {
  await page.evaluate(`
    window.longestTask = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.longestTask = Math.max(window.longestTask, duration);
    }).observe({ type: 'longtask' });
  `);
  const grid = page.getByRole('grid', { name: say('run.images') });
  await grid.hover({ position: { x: 300, y: 300 } });
  for (let turn = 0; turn < 60; turn++) await page.mouse.wheel(0, 100 + turn * 100);
}

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { savedResults } from './support/library.ts';
import { copyByClass } from './support/pictures.ts';
import { label } from './support/prepare.ts';
import { format, say } from './support/say.ts';
import { e2e } from './support/e2e.ts';

e2e('two runs are compared, and their differences reviewed', async (stage) => {
  const data = stage.folder();
  await label(data, copyByClass(join(stage.folder(), 'classes')), 'fast', 'accurate');
  const [fast, accurate] = [savedResults(data, 1), savedResults(data, 2)];
  const differing = fast.filter((result, index) => result.label !== accurate[index]?.label);
  assert.ok(differing.length > 0, 'the two settings agree on everything');

  const window = await stage.open({ data });
  const { page } = window;
  await window.visit('/runs', say('rail.runs'));
  for (const run of [1, 2]) await page.getByRole('checkbox', { name: say('runs.select', { run }) }).check();
  await page.getByRole('button', { name: say('runs.compare') }).click();
  await window.shows(say('compare.title', { run: 1, other: 2 }));
  const agreement = format.share(1 - differing.length / fast.length);
  await page
    .getByRole('region', { name: say('compare.differences') })
    .getByText(agreement, { exact: true })
    .waitFor();
  await window.hasCells(differing.length);
  await page.getByRole('link', { name: say('compare.see', { count: differing.length }) }).click();
  await window.shows(say('runs.name', { run: 1 }));
  await window.hasCells(differing.length);
  for (const [index, { path }] of differing.entries())
    await window.cells
      .nth(index)
      .and(page.getByRole('gridcell', { name: path.split('/')[1] ?? '' }))
      .waitFor();
});

e2e('folders named after classes are evaluated, and the mistakes shown', async (stage) => {
  const data = stage.folder();
  await label(data, copyByClass(join(stage.folder(), 'classes')), 'fast');
  const results = savedResults(data, 1);
  const mistakes = results.filter(({ path, label: said }) => path.split('/')[0] !== said);
  assert.ok(mistakes.length > 0, 'the model makes no mistake');

  const window = await stage.open({ data });
  const { page } = window;
  await window.visit('/runs/1/results', say('runs.name', { run: 1 }));
  await window.hasCells(results.length); // with which the button for the export comes, and moves the link
  await page.getByRole('link', { name: say('results.evaluate') }).click();
  await window.shows(say('evaluate.title', { run: 1 }));
  await window.says(format.share(1 - mistakes.length / results.length));
  const [mistake] = mistakes;
  const folder = mistake?.path.split('/')[0] ?? '';
  const alike = mistakes.filter(
    ({ path, label: said }) => path.startsWith(`${folder}/`) && said === mistake?.label,
  );
  const cell = { folder, label: mistake?.label ?? '', count: alike.length };
  await page.getByRole('button', { name: say('evaluate.cell', cell) }).waitFor();
  await page.getByRole('link', { name: say('evaluate.see', { count: mistakes.length }) }).click();
  await window.shows(say('runs.name', { run: 1 }));
  await window.hasCells(mistakes.length);
});

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { violations } from './support/accessibility.ts';
import { e2e } from './support/e2e.ts';
import { savedResults } from './support/library.ts';
import { copySamples, sampleNames } from './support/pictures.ts';
import { label } from './support/prepare.ts';
import { say } from './support/say.ts';

e2e(
  'labels that others made are looked at first, and come in as a run and as reviews that undo takes back',
  async (stage) => {
    const data = stage.folder();
    const pictures = copySamples(join(stage.folder(), 'samples'));
    await label(data, pictures, 'balanced');
    const [first = '', second = ''] = savedResults(data, 1).map(({ path }) => path);
    const file = join(data, 'others.csv');
    writeFileSync(
      file,
      `file,species\r\n${`D:\\old\\${first}`.replaceAll('/', '\\')},Vulpes\r\n${second},frog\r\nnone.png,frog\r\n`,
    );
    const window = await stage.open({ data });
    const { page } = window;
    await window.visit('/library', say('rail.library'));
    await page.getByRole('button', { name: basename(pictures) }).click();
    await page.getByRole('link', { name: say('labels.open') }).click();
    await window.shows(say('labels.title'));

    // Looked at, by keys alone.
    await page.getByRole('textbox', { name: say('labels.file') }).fill(file);
    await page.getByRole('textbox', { name: say('labels.tool') }).fill('Cam tool');
    await page.keyboard.press('Control+Enter');
    await page.getByText(say('labels.unmatched', { count: 1 })).waitFor();
    await page.getByText('none.png').waitFor();
    await page.getByText(say('labels.way.tail', { count: 1 })).waitFor();
    assert.deepEqual(await violations(page), []);
    await page.getByRole('textbox', { name: say('labels.name-here', { name: 'Vulpes' }) }).fill('fox');
    await page.getByRole('button', { name: say('labels.take', { count: 2 }) }).click();
    await page
      .getByText(say('labels.done-run', { run: 2, tool: 'Cam tool', count: 2 }))
      .first()
      .waitFor();
    assert.deepEqual(
      savedResults(data, 2).map(({ path, label: shown }) => [path, shown]),
      [
        [first, 'fox'],
        [second, 'frog'],
      ],
    );

    // The same beside our own run, as what somebody said.
    await window.visit('/runs/1', say('runs.name', { run: 1 }));
    await page.getByRole('link', { name: say('labels.open') }).waitFor(); // the key works once the run is known
    await page.keyboard.press('i');
    await window.shows(say('labels.title'));
    await page.getByRole('textbox', { name: say('labels.by') }).fill('Ada');
    await page.getByRole('textbox', { name: say('labels.file') }).fill(file);
    await page.getByRole('button', { name: say('labels.inspect') }).click();
    await page.getByRole('button', { name: say('labels.take', { count: 2 }) }).click();
    await page
      .getByText(say('labels.done-reviews', { run: 1, by: 'Ada', count: 2 }))
      .first()
      .waitFor();
    const reviewed = () => savedResults(data, 1).filter(({ reviewed: given }) => given !== undefined);
    assert.equal(reviewed().length, 2);
    await page.getByRole('link', { name: say('run.results') }).click();
    await window.shows(say('runs.name', { run: 1 }));
    await window.hasCells(sampleNames.length);
    await page.keyboard.press('Control+z');
    await window.says('Take in 2 reviews of Ada');
    assert.equal(reviewed().length, 0);
  },
);

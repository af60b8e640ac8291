import assert from 'node:assert/strict';
import { join } from 'node:path';
import { winnow } from '../electron/support/command-line.ts';
import { e2e } from './support/e2e.ts';
import { drawClasses } from './support/pictures.ts';
import { label } from './support/prepare.ts';
import { say } from './support/say.ts';

const TINY = '--width 8 --depth 4 --states 2 --image-size 8 --patch-size 4 --epochs 1'.split(' ');

e2e(
  'of a model that leaves nothing out there is no dial, in the window and in the command line',
  async (stage) => {
    const data = stage.folder();
    const folder = join(stage.folder(), 'animals');
    await drawClasses(folder, ['bird', 'cat']);
    await label(data, folder, 'balanced');
    const taught = await winnow(
      data,
      'train',
      folder,
      '--from',
      'scratch',
      ...TINY,
      '--out',
      'plain',
      '--holdout',
      '0.2',
    );
    assert.equal(taught.code, 0, taught.stderr);

    const window = await stage.open({ data });
    const { page } = window;
    await window.visit('/new-run?model=plain', say('new-run.title'));
    await window.says(say('dial.no-pruning', { task: 'classification' }));
    assert.equal(await page.getByRole('slider').count(), 0);
    assert.equal(await page.getByText(say('preset.fast'), { exact: true }).count(), 0);
    await page.getByRole('combobox', { name: say('new-run.model') }).selectOption('everyday10');
    await page.getByRole('slider', { name: say('dial.name') }).waitFor();
    await page.getByText(say('preset.fast'), { exact: true }).first().waitFor();

    const estimate = await winnow(data, 'estimate', folder, '--model', 'plain');
    assert.match(estimate.stdout, /^\*  fast, balanced, accurate  all .*100\.0 %/m);
    assert.match(estimate.stdout, /There is nothing to choose: plain leaves out no patches/);
  },
);

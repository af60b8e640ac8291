import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { TAUGHT_TASKS } from '../../electron/shared/training.ts';
import { winnow } from '../electron/support/command-line.ts';
import { sampleScenes } from '../electron/support/models.ts';
import { violations } from './support/accessibility.ts';
import { e2e } from './support/e2e.ts';
import { hasFocus, hasValue, tabTo, typeInto } from './support/keyboard.ts';
import { say } from './support/say.ts';

const EPOCHS = 2;

e2e(
  'boxes of an imported run become a detector over a frozen backbone, by the keyboard alone',
  async (stage) => {
    const data = stage.folder();
    const folder = join(stage.folder(), 'scenes');
    cpSync(sampleScenes, folder, { recursive: true });
    const imported = ['labels', 'import', `${sampleScenes}.json`, '--folder', folder, '--as', 'run'];
    const { code, stderr } = await winnow(data, ...imported, '--tool', 'hand');
    assert.equal(code, 0, stderr);
    const window = await stage.open({ data });
    const { page } = window;
    await window.shows(say('rail.library'));
    await page.keyboard.press('Alt+Digit4');
    await window.shows(say('rail.teach'));
    await page.keyboard.press('t');
    await window.shows(say('teach.title'));
    for (let press = 0; press < TAUGHT_TASKS.indexOf('detection'); press++) await page.keyboard.press('w');
    await page.getByRole('radio', { name: say('teach.task.detection'), checked: true }).waitFor();

    const run = page.getByRole('combobox', { name: say('teach.run-marked.detection') });
    await run
      .getByRole('option', { name: /^Run 1, hand: scenes, 12 images$/ })
      .waitFor({ state: 'attached' });
    await tabTo(page, run);
    await page.keyboard.press('ArrowDown');
    await hasValue(run, '1');
    const from = page.getByRole('combobox', { name: say('teach.from') });
    await tabTo(page, from);
    await from.selectOption('parts');
    await typeInto(page, page.getByRole('textbox', { name: say('teach.name') }), 'my-parts');
    await typeInto(page, page.getByRole('spinbutton', { name: say('teach.limit.epochs') }), String(EPOCHS));
    // Of some kinds there are too few to learn from and to test with.
    for (const option of [say('teach.leave-out'), say('teach.freeze')]) {
      const box = page.getByRole('checkbox', { name: new RegExp(`^${option}`) });
      await tabTo(page, box);
      await page.keyboard.press('Space');
      assert.ok((await hasFocus(box)) && (await box.isChecked()));
    }
    const more = page.getByText(say('new-run.more'), { exact: true });
    await tabTo(page, more);
    await page.keyboard.press('Enter');
    await typeInto(page, page.getByRole('spinbutton', { name: say('teach.window') }), '64');
    await window.says(/for 2 epochs on this computer/);
    assert.deepEqual(await violations(page), []);
    await window.photograph('teach-boxes');
    await page.keyboard.press('ControlOrMeta+Enter');

    await window.shows('my-parts');
    await page.getByRole('link', { name: say('training.run', { model: 'my-parts' }) }).waitFor();
    await page.getByRole('img', { name: /^AP50 by epoch: on the hold-out/ }).waitFor();
    await page.getByRole('img', { name: /^AP50 and work by patches kept: keeping/ }).waitFor();
    await page.getByRole('heading', { name: say('training.samples') }).waitFor();
    await page.getByRole('grid', { name: new RegExp(say('training.true-class')) }).waitFor();
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press('r');
    await window.shows(say('new-run.title'));
    await hasValue(page.getByRole('combobox', { name: say('new-run.model') }), 'my-parts');
    const card = await winnow(data, 'models', 'show', 'my-parts');
    assert.match(card.stdout, /the backbone as it was/);
  },
);

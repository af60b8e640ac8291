import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { e2e } from './support/e2e.ts';
import { hasValue, tabTo, typeInto } from './support/keyboard.ts';
import { drawClasses } from './support/pictures.ts';
import { label } from './support/prepare.ts';
import { say } from './support/say.ts';
import type { Stage } from './support/stage.ts';
import { until } from './support/until.ts';
import type { WinnowWindow } from './support/window.ts';

const ANIMALS = ['bird', 'cat', 'dog', 'frog'];
const LEARNED = 20; // of the 24 pictures of them; one of each class is held out

/** A folder with six pictures of each of these classes. */
async function drawAnimals(stage: Stage, classes = ANIMALS): Promise<string> {
  const folder = join(stage.folder(), 'animals');
  await drawClasses(folder, classes);
  return folder;
}

/** Opens the set-up, and names the folder in it. */
async function setUp(window: WinnowWindow, folder: string): Promise<void> {
  const { page } = window;
  await window.visit('/teach/new', say('teach.title'));
  await typeInto(page, page.getByRole('textbox', { name: say('teach.folder') }), folder);
  await page.keyboard.press('Enter');
}

const startButton = ({ page }: WinnowWindow, images: number) =>
  page.getByRole('button', { name: say('teach.start', { images: images }) });

e2e('a folder of class folders becomes a model, by the keyboard alone', async (stage) => {
  const folder = await drawAnimals(stage);
  const window = await stage.open();
  const { page } = window;
  await window.shows(say('rail.library'));
  await page.keyboard.press('Alt+Digit4');
  await window.shows(say('rail.teach'));
  await window.says(say('training.empty'));
  await page.keyboard.press('t');
  await window.shows(say('teach.title'));
  await window.says(say('teach.choose-pictures'));

  await typeInto(page, page.getByRole('textbox', { name: say('teach.folder') }), folder);
  await page.keyboard.press('Enter');
  await startButton(window, LEARNED).waitFor();
  const showClasses = page.getByRole('button', { name: say('teach.warning.classes', { open: 'false' }) });
  await tabTo(page, showClasses);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: say('teach.warning.classes', { open: 'true' }) }).waitFor();
  await page.keyboard.press('2');
  await page.getByRole('radio', { name: say('teach.method.fine-tune'), checked: true }).waitFor();
  await typeInto(page, page.getByRole('textbox', { name: say('teach.name') }), 'four-animals');
  await typeInto(page, page.getByRole('spinbutton', { name: say('teach.limit.epochs') }), '3');
  await window.says(/for 3 epochs on this computer/);
  await page.keyboard.press('ControlOrMeta+Enter');

  await window.shows('four-animals');
  await page.getByRole('link', { name: say('training.run', { model: 'four-animals' }) }).waitFor();
  await page.getByRole('heading', { name: say('training.worst') }).waitFor();
  await page.getByRole('img', { name: /^Accuracy by epoch/ }).waitFor();
  await page.getByRole('grid', { name: new RegExp(say('training.true-class')) }).waitFor();
  await until('pictures of the hold-out', () =>
    page.evaluate<boolean>(
      `document.images.length === 4 && [...document.images].every((image) => image.naturalWidth > 0)`,
    ),
  );

  await page.getByRole('heading', { level: 1 }).focus();
  await page.keyboard.press('r');
  await window.shows(say('new-run.title'));
  await hasValue(page.getByRole('combobox', { name: say('new-run.model') }), 'four-animals');
  await window.visit('/models?model=four-animals', say('rail.models'));
  await page.getByRole('heading', { name: say('models.origin') }).waitFor();
  await page.getByRole('link', { name: say('models.origin-show') }).click();
  await page.getByRole('link', { name: 'four-animals' }).click();
  await window.shows('four-animals');
});

e2e('a training is paused, goes on, and is removed with what it has learned', async (stage) => {
  const folder = await drawAnimals(stage);
  const window = await stage.open();
  const { page } = window;
  await setUp(window, folder);
  await page.getByRole('radio', { name: say('teach.method.fine-tune') }).check();
  await page.getByRole('spinbutton', { name: say('teach.limit.epochs') }).fill('5000');
  await startButton(window, LEARNED).click();
  await window.shows('animals-fine-tune');
  await window.says(say('training.best'));
  await page.getByRole('link', { name: /^Teaching animals-fine-tune/ }).waitFor(); // in the status line

  await page.keyboard.press('p');
  await window.says(say('training.paused-hint'));
  await page.keyboard.press('p');
  await page.getByRole('button', { name: say('run.pause') }).waitFor();
  await window.visit('/teach/new', say('teach.title'));
  await window.says(say('teach.other', { name: 'animals-fine-tune' }));
  await page.getByRole('button', { name: say('training.show') }).click();
  await window.shows('animals-fine-tune');

  await page.getByRole('button', { name: say('run.cancel') }).click();
  const question = page.getByRole('alertdialog', {
    name: say('training.remove-title', { name: 'animals-fine-tune' }),
  });
  await question.getByRole('button', { name: say('library.remove'), exact: true }).click();
  await window.shows(say('rail.teach'));
  await window.says(say('training.empty'));
});

e2e('reviewed images of a run are learned from, with the labels that they were given', async (stage) => {
  const data = stage.folder();
  await label(data, await drawAnimals(stage, ['bird', 'cat']), 'balanced');
  const window = await stage.open({ data });
  const { page } = window;
  await window.visit('/runs/1/results', say('runs.name', { run: 1 }));
  for (const name of ['bird', 'cat']) {
    await page.getByRole('searchbox', { name: say('results.search') }).fill(`${name}/`);
    // Of both classes there are six: until the list is the one that was searched for, it is the one before.
    await page
      .getByRole('gridcell', { name: new RegExp(`${name}-`) })
      .first()
      .waitFor();
    await window.hasCells(6);
    await window.cells.first().click();
    await page.keyboard.press('ControlOrMeta+a');
    await page.getByRole('combobox', { name: say('review.search') }).fill(name);
    await page.getByRole('option', { name, exact: true }).click();
  }
  await page.getByRole('link', { name: /^Teach from/ }).click();
  await window.shows(say('teach.title'));
  await page.getByRole('radio', { name: say('teach.source.run'), checked: true }).waitFor();
  await startButton(window, 10).waitFor();
});

e2e('pictures that cannot be learned from are refused in a sentence', async (stage) => {
  const window = await stage.open();
  const { page } = window;
  const folder = await drawAnimals(stage, ['bird']);
  await setUp(window, folder);
  await window.says(/at least two classes/);
  await page.getByRole('button', { name: say('rail.teach'), exact: true, disabled: true }).waitFor();
  await drawClasses(folder, ['cat']);
  await page.getByRole('button', { name: say('shell.retry') }).click();
  await startButton(window, 10).waitFor();
  await page.getByRole('radio', { name: say('teach.method.distill') }).check();
  await window.says(/learns the classes of its teacher/);
});

e2e('a class with one picture is offered to be left out, and the rest is taught', async (stage) => {
  const window = await stage.open();
  const { page } = window;
  const folder = await drawAnimals(stage);
  mkdirSync(join(folder, 'owl'));
  cpSync(join(folder, 'bird', 'bird-10.jpg'), join(folder, 'owl', 'owl.jpg'));
  await setUp(window, folder);
  await window.says(/of owl there is 1/);
  await page.getByRole('button', { name: say('teach.leave-out') }).click();
  await startButton(window, LEARNED).waitFor();
  await window.says(/^One class is left out.*: owl \(1\)\.$/);
  // It is a setting that can be taken back.
  await page.getByRole('checkbox', { name: say('teach.leave-out') }).uncheck();
  await window.says(/of owl there is 1/);
  await page.getByRole('heading', { level: 1 }).focus();
  await page.keyboard.press('l');
  await startButton(window, LEARNED).waitFor();
});

e2e('runs without reviewed images cannot be chosen to learn from, and say why', async (stage) => {
  const data = stage.folder();
  await label(data, await drawAnimals(stage, ['bird', 'cat']), 'balanced');
  const window = await stage.open({ data });
  const { page } = window;
  const run = page.getByRole('combobox', { name: say('teach.run') });
  await window.visit('/teach/new', say('teach.title'));
  await until('no run to choose', async () => (await run.textContent())?.includes(say('teach.no-reviews')));
  assert.ok(await run.isDisabled());
  await window.visit('/runs/1/results', say('runs.name', { run: 1 }));
  await window.cells.first().click();
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: /^Teach from/ }).waitFor();
  await label(data, join(await drawAnimals(stage, ['dog'])), 'balanced'); // run 2, which nobody looks at
  await window.visit('/teach/new', say('teach.title'));
  const ofRun = (number: number) => run.getByRole('option', { name: new RegExp(`^Run ${number},`) });
  await until('run 1 with its image', async () =>
    /, 1 reviewed image$/.test((await ofRun(1).textContent())?.trim() ?? ''),
  );
  assert.ok(await ofRun(1).isEnabled());
  assert.match((await ofRun(2).textContent())?.trim() ?? '', /, no reviewed images$/);
  assert.ok(await ofRun(2).isDisabled());
});

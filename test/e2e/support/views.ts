import { basename } from 'node:path';
import type { ExclusiveLock } from '../../../electron/core/store/exclusive-lock.ts';
import { DONE, holdTrainings, UNDER_WAY } from './made-trainings.ts';
import { say } from './say.ts';
import { truthOf } from './showcase.ts';
import type { WinnowWindow } from './window.ts';

export interface View {
  /** Of its picture. */
  name: string;
  /** Brings a window over the showcase to the view, with everything in it there. */
  open: (window: WinnowWindow, folder: string) => Promise<void>;
  /** Leaves what lies over the others. */
  close?: (window: WinnowWindow) => Promise<void>;
}

let held: ExclusiveLock | undefined;

const results = say('runs.name', { run: 2 });
const escape = ({ page }: WinnowWindow) => page.keyboard.press('Escape');

async function openResults(window: WinnowWindow): Promise<void> {
  await window.visit('/runs/2/results?sort=leastConfident', results);
  await window.cells.first().waitFor();
}

async function openImage(window: WinnowWindow): Promise<void> {
  const { page } = window;
  await window.visit('/runs/1/results?label=frog', say('runs.name', { run: 1 }));
  await page.getByRole('gridcell', { name: /^frog/ }).first().click();
  await page.keyboard.press('Space');
  await page.getByRole('slider', { name: say('image.grain') }).focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.getByRole('heading', { name: say('image.receipt') }).waitFor();
}

/** Shows an image of a run large, with what was found in it. */
async function openFound(window: WinnowWindow, run: number, name: RegExp): Promise<void> {
  const { page } = window;
  await window.visit(`/runs/${run}/results`, say('runs.name', { run }));
  await page.getByRole('gridcell', { name }).click();
  await page.keyboard.press('Space');
  await page.getByRole('region', { name: say('boxes.name') }).waitFor();
  await page.locator('.picture canvas').waitFor(); // the masks
}

/** Every view, over the library of the showcase. */
export const views: readonly View[] = [
  {
    name: 'library',
    open: async (window, folder) => {
      await window.visit('/library', say('rail.library'));
      await window.page.getByRole('button', { name: basename(folder) }).click();
      await window.page
        .getByRole('link', { name: say('run.results') })
        .locator('img')
        .first()
        .waitFor();
    },
  },
  {
    name: 'folder-dialog',
    open: async (window) => {
      await window.visit('/library', say('rail.library'));
      await window.page.getByRole('button', { name: say('library.add') }).click();
      await window.page.getByRole('button', { name: say('folder-dialog.up') }).waitFor();
    },
    close: escape,
  },
  {
    name: 'confirm',
    open: async (window) => {
      await window.visit('/runs', say('rail.runs'));
      await window.page.getByRole('button', { name: say('run.remove-title', { run: 1 }) }).click();
      await window.page.getByRole('alertdialog').waitFor();
    },
    close: escape,
  },
  {
    name: 'new-run',
    open: async (window) => {
      await window.visit('/new-run', say('new-run.title'));
      await window.page.getByRole('slider', { name: say('dial.name') }).waitFor();
    },
  },
  {
    name: 'get-model',
    open: async (window) => {
      await window.visit('/models/get?model=dyvm-vim-s', say('get-model.title'));
      await window.page.getByRole('button', { name: say('get-model.get', { name: 'DyVM-Vim-S' }) }).waitFor();
    },
  },
  {
    name: 'runs',
    open: async (window) => {
      await window.visit('/runs', say('rail.runs'));
      for (const run of [1, 2])
        await window.page.getByRole('checkbox', { name: say('runs.select', { run }) }).check();
    },
  },
  {
    name: 'run',
    open: async (window) => {
      await window.visit('/runs/2', say('runs.name', { run: 2 }));
      await window.page.getByRole('heading', { name: say('run.problems') }).waitFor();
    },
  },
  {
    name: 'results',
    open: async (window) => {
      await openResults(window);
      await window.cells.nth(9).click();
      await window.page.getByRole('heading', { name: say('image.receipt') }).waitFor();
    },
  },
  {
    name: 'problems',
    open: async (window) => {
      await window.visit('/runs/2/results?status=problem', results);
      await window.page.getByRole('region', { name: say('run.problems') }).waitFor();
      await window.says('bird/notes.jpg');
    },
  },
  { name: 'image', open: openImage, close: escape },
  {
    name: 'found',
    open: async (window) => {
      await window.visit('/runs/3/results', say('runs.name', { run: 3 }));
      await window.page.getByRole('gridcell', { name: /boxes/ }).first().waitFor();
      await window.page.getByTitle(say('results.size.large')).click();
      await window.page
        .getByRole('complementary', { name: say('facets.name') })
        .getByRole('button', { name: /^tree/ })
        .first()
        .waitFor();
    },
    close: async ({ page }) => page.getByTitle(say('results.size.medium')).click(),
  },
  {
    name: 'boxes',
    open: async (window) => {
      await openFound(window, 3, /village/);
      const list = window.page.getByRole('list', { name: say('evaluate.kind.box') });
      await list.getByRole('button').nth(1).click();
      await window.page.getByRole('combobox', { name: say('boxes.class') }).waitFor();
    },
    close: async (window) => {
      await escape(window);
      await escape(window);
    },
  },
  { name: 'map', open: (window) => openFound(window, 4, /meadow/), close: escape },
  {
    name: 'precision',
    open: async (window, folder) => {
      const { page } = window;
      await window.visit('/runs/3/evaluate', say('evaluate.title', { run: 3 }));
      await page.getByRole('textbox', { name: say('evaluate.truth.detection') }).fill(truthOf(folder));
      await page.getByRole('button', { name: say('evaluate.compare') }).click();
      await page.getByRole('heading', { name: say('evaluate.precision') }).waitFor();
    },
  },
  {
    name: 'export-found',
    open: async (window) => {
      await window.visit('/runs/3/export', say('export.title', { run: 3 }));
      await window.page.getByRole('radio', { name: say('export.kind.yolo') }).check();
      await window.says(say('export.about.yolo'));
    },
  },
  {
    name: 'compare',
    open: async (window) => {
      await window.visit('/compare/1/2', say('compare.title', { run: 1, other: 2 }));
      await window.cells.first().waitFor();
    },
  },
  {
    name: 'evaluate',
    open: async (window) => {
      await window.visit('/runs/1/evaluate', say('evaluate.title', { run: 1 }));
      await window.page.getByRole('heading', { name: say('evaluate.worst') }).waitFor();
    },
  },
  {
    name: 'export',
    open: async (window) => {
      await window.visit('/runs/2/export', say('export.title', { run: 2 }));
      await window.page.getByRole('columnheader', { name: 'relative_path' }).waitFor();
    },
  },
  {
    name: 'export-copy',
    open: async (window, folder) => {
      const { page } = window;
      await window.visit('/runs/2/export', say('export.title', { run: 2 }));
      await page.getByRole('radio', { name: say('export.kind.copy') }).check();
      await page.getByRole('textbox', { name: say('export.to-folder') }).fill(`${folder} sorted`);
      await window.says('airplane/');
    },
  },
  {
    name: 'teach',
    open: async (window) => {
      await window.visit('/teach', say('rail.teach'));
      await window.page.getByRole('link', { name: 'field-animals', exact: true }).waitFor();
    },
  },
  {
    name: 'teach-new',
    open: async (window, folder) => {
      const { page } = window;
      await window.visit('/teach/new?from=everyday10', say('teach.title'));
      const field = page.getByRole('textbox', { name: say('teach.folder') });
      await field.fill(folder);
      await field.press('Enter');
      await page.getByRole('radio', { name: say('teach.method.fine-tune') }).check();
      await window.says(/on this computer/);
      await page
        .getByRole('button', { name: say('teach.warning.files', { open: 'false' }) })
        .first()
        .click();
      await window.says('bird/notes.jpg');
      await page.getByRole('heading', { level: 1 }).focus();
    },
  },
  {
    name: 'teach-run',
    open: async (window) => {
      held = holdTrainings(window.data);
      await window.visit(`/teach/${UNDER_WAY}`, 'field-animals-small');
      await window.page.getByRole('img', { name: /^Loss by epoch/ }).waitFor();
    },
    close: () => Promise.resolve(held?.release()),
  },
  {
    name: 'teach-done',
    open: async (window) => {
      await window.visit(`/teach/${DONE}`, 'field-animals');
      await window.page.getByRole('heading', { name: say('training.worst') }).waitFor();
    },
  },
  {
    name: 'models',
    open: async (window) => {
      await window.visit('/models', say('rail.models'));
      await window.page.getByRole('button', { name: 'everyday10' }).click();
      await window.page.getByText(say('card.architecture'), { exact: true }).waitFor();
    },
  },
  {
    name: 'import',
    open: async (window) => {
      await window.visit('/models', say('rail.models'));
      await window.page.getByRole('button', { name: say('models.import') }).click();
      await window.page.getByRole('button', { name: say('import.read') }).waitFor();
    },
  },
  {
    name: 'settings',
    open: async (window) => {
      await window.visit('/settings', say('rail.settings'));
      await window.page
        .getByRole('button', { name: say('settings.restore') })
        .first()
        .waitFor();
    },
  },
  {
    name: 'keys',
    open: async (window) => {
      await openResults(window);
      await window.page.getByRole('button', { name: say('keys.all') }).click();
      await window.page.getByRole('dialog', { name: say('keys.title') }).waitFor();
    },
    close: escape,
  },
];

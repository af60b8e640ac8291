import { mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { root } from '../../../build/setup.mjs';
import { hasValue, tabTo, typeInto } from './keyboard.ts';
import { say } from './say.ts';
import { until } from './until.ts';

const pictures = join(root, 'out/e2e');

export type Theme = 'light' | 'dark';
export const themes: readonly Theme[] = ['light', 'dark'];

/** What a window stands in. */
export interface Surroundings {
  /** Data folder: the library and what lies beside it. */
  data: string;
  /** Process that does the work, whose children are the engine hosts. */
  pid: number;
  /** Ends that process as a crash does; gives what starts another on the same port. In a browser. */
  crash?: () => Promise<(...options: string[]) => Promise<void>>;
  /** Opens a second window on the same library, in a browser. */
  another: () => Promise<WinnowWindow>;
  /** Makes the next native dialog answer with a path; undefined where there are none. */
  answerDialog?: (path: string) => Promise<void>;
}

/** A window of Winnow, in a browser or in Electron. */
export class WinnowWindow {
  readonly page: Page;
  readonly around: Surroundings;

  constructor(page: Page, around: Surroundings) {
    this.page = page;
    this.around = around;
  }

  get data(): string {
    return this.around.data;
  }

  /** Goes to a view by its address, such as `/runs/1/results`, and waits until it has its title. */
  async visit(path: string, title: string): Promise<void> {
    await this.page.evaluate(`location.hash = ${JSON.stringify(path)}`);
    await this.shows(title);
  }

  /** Waits until the view with this title is there. */
  async shows(title: string): Promise<void> {
    await this.page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
  }

  /** Waits until some text is on the screen. */
  async says(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).filter({ visible: true }).first().waitFor();
  }

  /** Waits until the pictures in sight are there. */
  async hasPictures(): Promise<void> {
    const loaded = `
      [...document.images].every((image) => image.complete || !image.checkVisibility()) &&
      [...document.querySelectorAll('[role=gridcell]')].every((cell) => {
        const { top, bottom } = cell.getBoundingClientRect();
        const isSeen = bottom > 0 && top < innerHeight && !cell.ariaLabel.includes('${say('results.failed')}');
        return !isSeen || cell.querySelector('img') !== null;
      })`;
    await until('pictures', () => this.page.evaluate<boolean>(loaded));
    // A picture that is loaded is painted once it is decoded; one that cannot be is shown as that.
    const decoded = `Promise.allSettled(
      [...document.images].filter((image) => image.checkVisibility()).map((image) => image.decode()))`;
    await this.page.evaluate(decoded);
  }

  /** The images that the grid has on the screen, in its order. */
  get cells(): Locator {
    return this.page.getByRole('grid', { name: say('run.images') }).getByRole('gridcell');
  }

  /** Waits until the grid has this many images on the screen. */
  async hasCells(count: number): Promise<void> {
    await until(
      `${count} images`,
      () => this.cells.count(),
      (found) => found === count,
    );
  }

  /** Does something in each theme, and goes back to the light one. */
  async inBothThemes(work: (theme: Theme) => Promise<void>): Promise<void> {
    for (const colorScheme of themes) {
      await this.page.emulateMedia({ colorScheme });
      await work(colorScheme);
    }
    await this.page.emulateMedia({ colorScheme: 'light' });
  }

  /** Writes <folder>/<name>-<theme>.png in both themes. */
  async photograph(name: string, folder = pictures): Promise<void> {
    mkdirSync(folder, { recursive: true });
    await this.inBothThemes(async (theme) => {
      await this.hasPictures();
      await this.page.screenshot({ path: join(folder, `${name}-${theme}.png`) });
    });
  }

  /** Waits for the run that is shown to be done, and opens its results. */
  async openResults(runId: number): Promise<void> {
    await this.page.getByRole('link', { name: say('run.results'), exact: true }).waitFor();
    await this.page.keyboard.press('o');
    await this.shows(say('runs.name', { run: runId }));
  }

  /** In the export: names the file, once a name was suggested, which would come in between. */
  async nameFile(path: string): Promise<void> {
    const field = this.page.getByRole('textbox', { name: say('export.to-file') });
    await until('a suggested file', () => field.inputValue());
    await field.fill(path);
  }

  /** In the library: adds a folder by the keyboard, through the dialog of the system where there is one. */
  async addFolder(path: string): Promise<void> {
    const { page } = this;
    await page.getByRole('heading', { level: 1, name: say('rail.library') }).waitFor();
    await this.around.answerDialog?.(path);
    await page.keyboard.press('a');
    if (!this.around.answerDialog) await this.#browseTo(path);
    await page.getByRole('checkbox', { name: say('library.select', { name: basename(path) }) }).waitFor();
  }

  /** In the dialog with the folders of the computer: goes to the parent by its path, to the folder by its name. */
  async #browseTo(path: string): Promise<void> {
    const { page } = this;
    const dialog = page.getByRole('dialog', { name: say('library.add') });
    const field = dialog.getByRole('textbox', { name: say('image.path') });
    await until('the folder that is shown first', () => field.inputValue());
    await typeInto(page, field, dirname(path));
    await page.keyboard.press('Enter');
    await tabTo(page, dialog.getByRole('button', { name: basename(path), exact: true }));
    await page.keyboard.press('Enter');
    await hasValue(field, path);
    await tabTo(
      page,
      dialog.getByRole('button', {
        name: say('folder-dialog.choose', { known: 'true', name: basename(path) }),
      }),
    );
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
  }
}

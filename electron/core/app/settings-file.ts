import { readFileSync, renameSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseBounded } from '../../shared/bounded-json.ts';
import { settingsSchema } from '../../shared/api/settings.ts';
import type { Settings } from '../../shared/api/settings.ts';
import { isMissing } from '../../shared/errors.ts';
import { toFileSystemError, writeFileWhole } from '../files/write-file.ts';
import { PRIVATE_FOLDER } from '../files/private.ts';

const SETTINGS_BOUNDS = { characters: 2 ** 20, depth: 16, containers: 10_000, keys: 10_000 };

/** What a person has set, in `settings.json` of the data folder; a file that is not there means the defaults. */
export class SettingsFile {
  readonly #path: string;
  readonly #notice: (message: string) => void;
  readonly #folder: string;
  #told = false;
  #saving: Promise<unknown> = Promise.resolve();

  constructor(folder: string, notice: (message: string) => void) {
    this.#folder = folder;
    this.#path = join(folder, 'settings.json');
    this.#notice = notice;
  }

  /** The settings as the file says now. One that cannot be understood is kept aside, and the defaults hold. */
  read(): Settings {
    let text: string;
    try {
      if (!statSync(this.#path).isFile()) throw new Error('it is not a file'); // a pipe would be waited for
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (!isMissing(error)) this.#tellOnce(`The settings ${this.#path} cannot be read`, error);
      return settingsSchema.parse({});
    }
    try {
      return settingsSchema.parse(parseBounded(text, SETTINGS_BOUNDS));
    } catch {
      this.#keepAside();
      return settingsSchema.parse({});
    }
  }

  /** Changes some settings; rejects with FILE_SYSTEM when they cannot be kept. */
  change(changed: Partial<Settings>): Promise<Settings> {
    const saved = this.#saving.then(() => this.#save(changed)); // one at a time, or one would undo the other
    this.#saving = saved.catch(() => undefined); // heard of by whoever asked for it
    return saved;
  }

  async #save(changed: Partial<Settings>): Promise<Settings> {
    const settings = { ...this.read(), ...changed };
    await mkdir(this.#folder, PRIVATE_FOLDER).catch((error: unknown) => {
      throw toFileSystemError(error, this.#path);
    });
    await writeFileWhole(this.#path, [`${JSON.stringify(settings, undefined, 2)}\n`]);
    return settings;
  }

  #keepAside(): void {
    const aside = `${this.#path}.unreadable`;
    try {
      renameSync(this.#path, aside);
    } catch (error) {
      this.#tellOnce(`The settings ${this.#path} cannot be understood`, error);
      return;
    }
    this.#notice(
      `The settings could not be understood, so the defaults hold; the old file is kept as ${aside}.`,
    );
  }

  /** Settings are read often; that they cannot be read is said once. */
  #tellOnce(what: string, error: unknown): void {
    if (this.#told) return;
    this.#told = true;
    this.#notice(`${what}, so the defaults hold: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

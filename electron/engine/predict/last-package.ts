import { stat } from 'node:fs/promises';

/** A package that stays loaded until another one, a newer file or other options are asked for. */
export class LastPackage<Loaded> {
  #loaded: { key: string; opened: Promise<Loaded> } | undefined;

  /** `options`: all that `load` depends on beside the file. Rejects with what `load` does, which is then asked again. */
  async open(path: string, options: unknown, load: () => Promise<Loaded>): Promise<Loaded> {
    const version = await stat(path).catch(() => undefined); // loading it says what is wrong
    const key = JSON.stringify([path, version?.mtimeMs, version?.size, options]);
    if (this.#loaded?.key !== key) this.#loaded = { key, opened: load() };
    const { opened } = this.#loaded;
    try {
      return await opened;
    } catch (error) {
      if (this.#loaded.opened === opened) this.#loaded = undefined;
      throw error;
    }
  }
}

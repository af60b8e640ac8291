import type { Database } from 'better-sqlite3';

/** What was written into a library since somebody asked last. */
export interface Changes {
  /** More than is listed below: nothing that was read before holds. */
  all: boolean;
  results: Map<number, number[] | undefined>; // run -> images; undefined: too many to list
  reviews: Map<number, number[] | undefined>; // class set -> images; undefined: too many
  paths: boolean; // images came or went, or got other paths
  captured: boolean; // the time that some picture was taken
}

/** More images are not listed one by one: reading all is as fast then. */
const MOST = 50_000;

const FUNCTIONS = ['result_changed', 'review_changed', 'paths_changed', 'captured_changed'] as const;

/** Temporary triggers see what this connection writes, whichever statement does it, and nothing of other connections. */
const TRIGGERS = [
  ...['INSERT', 'UPDATE'].map((event) => ({
    on: `${event} ON results`,
    call: 'result_changed(new.run_id, new.image_id)',
  })),
  { on: 'DELETE ON results', call: 'result_changed(old.run_id, old.image_id)' },
  ...['INSERT', 'UPDATE'].map((event) => ({
    on: `${event} ON reviews`,
    call: 'review_changed(new.class_set, new.image_id)',
  })),
  { on: 'DELETE ON reviews', call: 'review_changed(old.class_set, old.image_id)' },
  { on: 'INSERT ON images', call: 'paths_changed()' },
  { on: 'UPDATE OF folder_id, relative_path, directory_id ON images', call: 'paths_changed()' },
  { on: 'DELETE ON images', call: 'paths_changed()' },
  { on: 'UPDATE OF captured_at ON images', call: 'captured_changed()' },
];

/**
 * Notes what is written into a library, so that a reader with a connection of its own reads only that anew. It begins when it
 * is first asked; before that it costs nothing.
 */
export class ChangeLog {
  readonly #database: Database;
  #changes: Changes = noChanges();
  #dataVersion: unknown;
  #isOn = false;

  constructor(database: Database) {
    this.#database = database;
  }

  /** What was written since it was asked last; all the first time, and when another connection has written. */
  take(): Changes {
    if (!this.#isOn) this.#begin();
    const version = this.#database.pragma('data_version', { simple: true }); // changes when another connection writes
    const all = version !== this.#dataVersion;
    this.#dataVersion = version;
    const changes = { ...this.#changes, all };
    this.#changes = noChanges();
    return changes;
  }

  #begin(): void {
    const calls: Record<(typeof FUNCTIONS)[number], (...ids: number[]) => void> = {
      result_changed: (runId = 0, imageId = 0) => note(this.#changes.results, runId, imageId),
      review_changed: (classSet = 0, imageId = 0) => note(this.#changes.reviews, classSet, imageId),
      paths_changed: () => (this.#changes.paths = true),
      captured_changed: () => (this.#changes.captured = true),
    };
    for (const name of FUNCTIONS) {
      this.#database.function(name, { varargs: true }, (...ids) => {
        calls[name](...(ids as number[]));
        return null;
      });
    }
    TRIGGERS.forEach(({ on, call }, index) =>
      this.#database.exec(`CREATE TEMP TRIGGER noted_${index} AFTER ${on} BEGIN SELECT ${call}; END`),
    );
    this.#isOn = true;
  }
}

function noChanges(): Changes {
  return { all: false, results: new Map(), reviews: new Map(), paths: false, captured: false };
}

function note(changes: Map<number, number[] | undefined>, key: number, imageId: number): void {
  const images = changes.get(key);
  if (images === undefined) {
    if (!changes.has(key)) changes.set(key, [imageId]);
  } else if (images.length < MOST) images.push(imageId);
  else changes.set(key, undefined);
}

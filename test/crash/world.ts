import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Ended, Killer, KillOptions } from './killer.ts';

/** What lies at a place: relative paths with a digest of what they hold. */
export type Tree = Record<string, string>;

/**
 * A folder with everything that the command line works on: its data folder `data`, pictures, what it writes. Its states
 * can be saved and put back, in the same place, since a library holds absolute paths.
 */
export class World {
  readonly root: string;
  readonly #saved: string;
  readonly #killer: Killer;
  readonly #program: string; // the command line

  constructor(folder: string, killer: Killer, program: string) {
    this.root = join(folder, 'world');
    this.#saved = join(folder, 'saved');
    this.#killer = killer;
    this.#program = program;
    mkdirSync(this.root);
    mkdirSync(this.#saved);
  }

  at(...names: string[]): string {
    return join(this.root, ...names);
  }

  get library(): string {
    return this.at('data', 'library.db');
  }

  save(name: string): void {
    copyAll(this.root, join(this.#saved, name));
  }

  restore(name: string): void {
    copyAll(join(this.#saved, name), this.root);
  }

  /** Runs the command line; to its end, when `options` do not say otherwise. */
  run(args: readonly string[], options: KillOptions = {}): Promise<Ended> {
    const env = { WINNOW_DATA: this.at('data') };
    return this.#killer.run([process.execPath, this.#program, ...args], { ...options, env });
  }

  /** Runs the command line, which must succeed. */
  async must(...args: string[]): Promise<string> {
    const { code, output } = await this.run(args);
    if (code !== 0) throw new Error(`winnow ${args.join(' ')} ended with ${code}: ${output}`);
    return output;
  }

  tree(...names: string[]): Tree {
    return treeOf(this.at(...names));
  }

  /** A tree of a state that was saved. */
  savedTree(state: string, ...names: string[]): Tree {
    return treeOf(join(this.#saved, state, ...names));
  }

  /** Digest of a file; undefined where there is none. */
  digest(...names: string[]): string | undefined {
    return existsSync(this.at(...names)) ? contentOf(this.at(...names)) : undefined;
  }

  /** Names of all files, with numbers left out: times and processes' numbers differ from run to run. */
  names(): Set<string> {
    const entries = readdirSync(this.root, { recursive: true, encoding: 'utf8' });
    const files = entries.filter((name) => statSync(this.at(name)).isFile());
    return new Set(files.map((name) => name.replaceAll(/\d+/g, '#')));
  }
}

/** Every row of a library's results with what it is about; throws when the file is damaged. */
export function rowsOf(library: string): unknown[] {
  if (!existsSync(library)) return ['there is no library'];
  const database = new Database(library);
  try {
    const finding = database.pragma('integrity_check(1)', { simple: true });
    if (finding !== 'ok') throw new Error(`${library} is damaged: ${String(finding)}`);
    return database
      .prepare(
        `SELECT run_id, state, path, relative_path, status, results.file_size, class_1, round(confidence_1, 6) AS best,
           class_2, round(confidence_2, 6) AS next
         FROM results JOIN runs ON runs.id = run_id JOIN images ON images.id = image_id
           JOIN folders ON folders.id = folder_id
         ORDER BY run_id, path, relative_path`,
      )
      .all();
  } finally {
    database.close();
  }
}

/** What a library holds beside its results' labels: boxes with what each model says of them, reviews, and how many runs. */
export function foundOf(library: string): Record<string, unknown> {
  const database = new Database(library);
  const all = (sql: string) => database.prepare(sql).all();
  try {
    return {
      boxes: all(`SELECT run_id, relative_path, number, class, round(score, 6) AS score, found_class,
          round(found_score, 6) AS found, round(label_score, 6) AS label, x, y, detections.width, detections.height
        FROM detections JOIN images ON images.id = image_id ORDER BY run_id, relative_path, number`),
      reviews:
        all(`SELECT relative_path, label, boxes, source FROM reviews JOIN images ON images.id = image_id
        ORDER BY relative_path`),
      // Also those that nobody sees, since they were not read in to the end.
      runs: all('SELECT count(*) AS count FROM runs'),
    };
  } finally {
    database.close();
  }
}

/** How many results are there that anybody sees, run by run, and how many reviews. */
export function countsOf(library: string): { results: number[]; reviews: number } {
  const database = new Database(library);
  try {
    const results = database
      .prepare<[], number>(
        `SELECT count(*) FROM results JOIN runs ON runs.id = run_id WHERE NOT importing AND status = 'ok'
         GROUP BY run_id ORDER BY run_id`,
      )
      .pluck()
      .all();
    const reviews = database.prepare<[], number>('SELECT count(*) FROM reviews').pluck().get() ?? 0;
    return { results, reviews };
  } finally {
    database.close();
  }
}

function treeOf(folder: string): Tree {
  if (!existsSync(folder)) return {};
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(entries.map((name) => [name, contentOf(join(folder, name))]));
}

function contentOf(path: string): string {
  if (!statSync(path).isFile()) return 'a folder';
  return createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 12);
}

/** Makes a folder what another is, times and links too. */
function copyAll(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  execFileSync('cp', ['-a', '--', from, to]);
}

import type { Database, Statement } from 'better-sqlite3';
import type { ImageFacts } from '../../shared/engine-api.ts';
import { required } from './row.ts';

/** A file as the scan found it. */
export interface FoundFile {
  relativePath: string; // with forward slashes
  fileSize: number;
  modifiedMs: number; // whole milliseconds
}

/** A file as the scans before have left it. */
export interface KnownFile {
  fileSize: number;
  modifiedMs: number;
  scan: number; // the last one that saw it
}

export interface CurrentImages {
  images: number;
  done: number;
}

/** Statements of the table `images`. */
export class ImagesTable {
  readonly #see: Statement<[number, string, number, number, number], { id: number }>;
  readonly #seeUnder: Statement<[number, number, string, string]>;
  readonly #known: Statement<[number, string], KnownFile>;
  readonly #countGone: Statement<[number, number, number], number>;
  readonly #countCurrent: Statement<[{ folder: string; runId: number | null }], CurrentImages>;
  readonly #setFacts: Statement<[number | null, number | null, string | null, number]>;
  readonly #locate: Statement<[number], { folder: string; relativePath: string }>;
  readonly #predicted: Statement<[], { folder: string; relativePath: string }>;

  constructor(database: Database) {
    this.#see = database.prepare(`
      INSERT INTO images (folder_id, relative_path, file_size, modified_ms, scan) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (folder_id, relative_path) DO UPDATE SET
        file_size = excluded.file_size, modified_ms = excluded.modified_ms, scan = max(scan, excluded.scan)
      RETURNING id`);
    this.#seeUnder = database.prepare(`
      UPDATE images SET scan = max(scan, ?) WHERE folder_id = ? AND relative_path > ? AND relative_path < ?`);
    this.#known = database.prepare(`
      SELECT file_size AS fileSize, modified_ms AS modifiedMs, scan FROM images
      WHERE folder_id = ? AND relative_path = ?`);
    this.#countGone = database
      .prepare<[number, number, number], number>(
        'SELECT count(*) FROM images WHERE folder_id = ? AND scan >= ? AND scan < ?',
      )
      .pluck();
    this.#countCurrent = database.prepare(`
      SELECT count(images.id) AS images, count(results.image_id) AS done
      FROM folders LEFT JOIN images ON folder_id = folders.id AND images.scan >= finished_scan
        LEFT JOIN results ON run_id = :runId AND image_id = images.id AND status <> 'pending'
          AND results.file_size = images.file_size AND results.modified_ms = images.modified_ms
      WHERE path = :folder AND finished_scan > 0 GROUP BY folders.id`);
    this.#setFacts = database.prepare(
      'UPDATE images SET width = ?, height = ?, captured_at = ? WHERE id = ?',
    );
    this.#locate = database.prepare(`
      SELECT folders.path AS folder, relative_path AS relativePath
      FROM images JOIN folders ON folders.id = folder_id WHERE images.id = ?`);
    this.#predicted = database.prepare(`
      SELECT folders.path AS folder, relative_path AS relativePath
      FROM images JOIN folders ON folders.id = folder_id
      WHERE EXISTS (SELECT 1 FROM results WHERE image_id = images.id AND status = 'ok')`);
  }

  /** What is known of a file; undefined for one that no scan ever saw. */
  known(folderId: number, relativePath: string): KnownFile | undefined {
    return this.#known.get(folderId, relativePath);
  }

  /** How many images of a folder were seen by the scan `before` or a later one, but not by `scan`. */
  countGone(folderId: number, before: number, scan: number): number {
    return required(this.#countGone.get(folderId, before, scan));
  }

  /** Notes that the folder's scan saw a file; returns the image's id. */
  see(folderId: number, file: FoundFile, scan: number): number {
    return required(this.#see.get(folderId, file.relativePath, file.fileSize, file.modifiedMs, scan)).id;
  }

  /** Counts all known files below a sub-folder as seen: it cannot be read now, so nothing is known to be gone. */
  seeUnder(folderId: number, relativeFolder: string, scan: number): void {
    // '0' follows '/', so these bounds hold every path that starts with "<folder>/".
    this.#seeUnder.run(scan, folderId, `${relativeFolder}/`, `${relativeFolder}0`);
  }

  /**
   * Images of a folder at its last scan, and how many of them a run has a result for that still holds; undefined when
   * the folder was never scanned to its end.
   */
  countCurrent(folder: string, runId: number | undefined): CurrentImages | undefined {
    return this.#countCurrent.get({ folder, runId: runId ?? null });
  }

  setFacts(imageId: number, facts: ImageFacts): void {
    this.#setFacts.run(facts.width ?? null, facts.height ?? null, facts.capturedAt ?? null, imageId);
  }

  /** Where an image's file lies; undefined when there is no such image. */
  locate(imageId: number): { folder: string; relativePath: string } | undefined {
    return this.#locate.get(imageId);
  }

  /** Every image that some run has labelled. Nothing else can be asked of the library before the end. */
  predicted(): IterableIterator<{ folder: string; relativePath: string }> {
    return this.#predicted.iterate();
  }
}

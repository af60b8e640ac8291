import type { Database, Statement } from 'better-sqlite3';
import type { ImageFacts } from '../../../shared/engine-api.ts';
import type { FoundFile } from '../../files/scan-folder.ts';
import { required } from '../row.ts';

/** A file as the scans before have left it. */
export interface KnownFile {
  id: number;
  fileSize: number;
  modifiedMs: number;
  gone: 0 | 1; // 1: missing at the last scan
}

/** An image by its path in its folder. */
export interface ImagePath {
  id: number;
  relativePath: string;
}

/** An image that is there, with the size of its upright picture where that is known. */
export interface PresentImage extends ImagePath {
  width: number | null;
  height: number | null;
}

const PRESENT_PER_PAGE = 5000;

export interface CurrentImages {
  images: number;
  done: number;
}

/** Statements of the table `images`. */
export class ImagesTable {
  readonly #see: Statement<[object], { id: number; directoryId: number | null }>;
  readonly #addDirectory: Statement<[object]>;
  readonly #setDirectory: Statement<[object]>;
  readonly #known: Statement<[number, string], KnownFile>;
  readonly #paths: Statement<[number, string, number], ImagePath>;
  readonly #present: Statement<[number, string, number], PresentImage>;
  readonly #setSize: Statement<[number, number, number]>;
  readonly #markGone: Statement<[number, string]>;
  readonly #countCurrent: Statement<[{ folder: string; runId: number | null }], CurrentImages>;
  readonly #setFacts: Statement;
  readonly #locate: Statement<[number], { folder: string; relativePath: string }>;
  readonly #predicted: Statement<[], { folder: string; relativePath: string }>;

  constructor(database: Database) {
    const directory = '(SELECT id FROM directories WHERE folder_id = :folderId AND path = :directory)';
    this.#see = database.prepare(`
      INSERT INTO images (folder_id, relative_path, directory_id, file_size, modified_ms, scan)
        VALUES (:folderId, :relativePath, ${directory}, :fileSize, :modifiedMs, :scan)
      ON CONFLICT (folder_id, relative_path) DO UPDATE SET
        file_size = excluded.file_size, modified_ms = excluded.modified_ms, scan = max(scan, excluded.scan), gone = 0
      RETURNING id, directory_id AS directoryId`);
    this.#addDirectory = database.prepare(
      'INSERT INTO directories (folder_id, path) VALUES (:folderId, :directory) ON CONFLICT DO NOTHING',
    );
    this.#setDirectory = database.prepare(`UPDATE images SET directory_id = ${directory} WHERE id = :id`);
    this.#known = database.prepare(`
      SELECT id, file_size AS fileSize, modified_ms AS modifiedMs, gone FROM images
      WHERE folder_id = ? AND relative_path = ?`);
    this.#paths = database.prepare(`
      SELECT id, relative_path AS relativePath FROM images
      WHERE folder_id = ? AND relative_path > ? ORDER BY relative_path LIMIT ?`);
    this.#present = database.prepare(`
      SELECT id, relative_path AS relativePath, width, height FROM images
      WHERE folder_id = ? AND relative_path > ? AND NOT gone ORDER BY relative_path LIMIT ?`);
    this.#setSize = database.prepare(
      'UPDATE images SET width = ?, height = ? WHERE id = ? AND width IS NULL',
    );
    this.#markGone = database.prepare(`
      UPDATE images SET gone = 1 WHERE NOT gone AND scan <= ? AND id IN (SELECT value FROM json_each(?))`);
    this.#countCurrent = database.prepare(`
      SELECT count(images.id) AS images, count(results.image_id) AS done
      FROM folders LEFT JOIN images ON folder_id = folders.id AND NOT images.gone
        LEFT JOIN results ON run_id = :runId AND image_id = images.id AND status <> 'pending'
          AND results.file_size = images.file_size AND results.modified_ms = images.modified_ms
      WHERE path = :folder AND finished_scan > 0 GROUP BY folders.id`);
    this.#setFacts = database.prepare(
      `UPDATE images SET width = :width, height = :height, captured_at = :capturedAt,
        captured_fraction = :capturedFraction, captured_offset = :capturedOffset WHERE id = :imageId`,
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

  /** The next images of a folder behind `after` ('' starts), gone or not, in order of their paths. */
  paths(folderId: number, after: string, limit: number): ImagePath[] {
    return this.#paths.all(folderId, after, limit);
  }

  /** The images of a folder that were there at its last scan, in order of their paths. */
  *present(folderId: number): Generator<PresentImage> {
    for (let after = '', page: PresentImage[]; ; after = page.at(-1)?.relativePath ?? '') {
      page = this.#present.all(folderId, after, PRESENT_PER_PAGE);
      yield* page;
      if (page.length < PRESENT_PER_PAGE) return;
    }
  }

  /** Notes the size of an upright picture where none is known yet. */
  setSize(imageId: number, { width, height }: { width: number; height: number }): void {
    this.#setSize.run(width, height, imageId);
  }

  /**
   * Notes that images were missing at a scan, and returns of how many nobody knew it. What a later scan has found new,
   * changed or back again is left to that one.
   */
  markGone(imageIds: readonly number[], scan: number): number {
    return this.#markGone.run(scan, JSON.stringify(imageIds)).changes;
  }

  /** Saves a file that the folder's scan found new, changed or back again; returns the image's id. */
  see(folderId: number, { relativePath, fileSize, modifiedMs }: FoundFile, scan: number): number {
    const place = { folderId, directory: directoryOf(relativePath) };
    const { id, directoryId } = required(
      this.#see.get({ ...place, relativePath, fileSize, modifiedMs, scan }),
    );
    if (directoryId === null) {
      this.#addDirectory.run(place);
      this.#setDirectory.run({ ...place, id });
    }
    return id;
  }

  /**
   * Images of a folder at its last scan, and how many of them a run has a result for that still holds; undefined when
   * the folder was never scanned to its end.
   */
  countCurrent(folder: string, runId: number | undefined): CurrentImages | undefined {
    return this.#countCurrent.get({ folder, runId: runId ?? null });
  }

  setFacts(imageId: number, facts: ImageFacts): void {
    this.#setFacts.run({
      imageId,
      width: facts.width ?? null,
      height: facts.height ?? null,
      capturedAt: facts.capturedAt ?? null,
      capturedFraction: facts.capturedFraction ?? null,
      capturedOffset: facts.capturedOffset ?? null,
    });
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

/** The directory that a file lies in; '' for the folder itself. Both with forward slashes. */
function directoryOf(relativePath: string): string {
  return relativePath.slice(0, Math.max(0, relativePath.lastIndexOf('/')));
}

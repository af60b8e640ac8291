import type { Database, Statement } from 'better-sqlite3';
import type { ImageFacts } from '../../shared/engine-api.ts';
import { required } from './row.ts';

/** A file as the scan found it. */
export interface FoundFile {
  relativePath: string; // with forward slashes
  fileSize: number;
  modifiedMs: number; // whole milliseconds
}

/** Statements of the table `images`. */
export class ImagesTable {
  readonly #see: Statement<[number, string, number, number, number], { id: number }>;
  readonly #seeUnder: Statement<[number, number, string, string]>;
  readonly #setFacts: Statement<[number | null, number | null, string | null, number]>;
  readonly #predicted: Statement<[], { folder: string; relativePath: string }>;

  constructor(database: Database) {
    this.#see = database.prepare(`
      INSERT INTO images (folder_id, relative_path, file_size, modified_ms, scan) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (folder_id, relative_path) DO UPDATE SET
        file_size = excluded.file_size, modified_ms = excluded.modified_ms, scan = excluded.scan
      RETURNING id`);
    this.#seeUnder = database.prepare(`
      UPDATE images SET scan = ? WHERE folder_id = ? AND relative_path > ? AND relative_path < ?`);
    this.#setFacts = database.prepare(
      'UPDATE images SET width = ?, height = ?, captured_at = ? WHERE id = ?',
    );
    this.#predicted = database.prepare(`
      SELECT folders.path AS folder, relative_path AS relativePath
      FROM images JOIN folders ON folders.id = folder_id
      WHERE EXISTS (SELECT 1 FROM results WHERE image_id = images.id AND status = 'ok')`);
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

  setFacts(imageId: number, facts: ImageFacts): void {
    this.#setFacts.run(facts.width ?? null, facts.height ?? null, facts.capturedAt ?? null, imageId);
  }

  /** Every image that some run has labelled. Nothing else can be asked of the library before the end. */
  predicted(): IterableIterator<{ folder: string; relativePath: string }> {
    return this.#predicted.iterate();
  }
}

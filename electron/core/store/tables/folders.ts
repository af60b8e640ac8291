import type { Database, Statement } from 'better-sqlite3';
import { SHOWN_SCORE } from '../../../shared/found-score.ts';
import { isBlank } from '../lists/result-filter.ts';
import { required } from '../row.ts';

export interface FolderRow {
  id: number;
  path: string;
  finishedScan: number; // number of the last scan that came to its end; 0 before the first
}

/** A folder with counts of the images that were there at its last scan. */
export interface CountedFolder {
  id: number;
  path: string;
  images: number;
  labelled: number; // that have a label in some run: a person's, else the model's
  blank: number; // of the others: predicted, but nothing was found in them
  verified: number; // that a person has verified, as one of any class set
}

/** Statements of the table `folders`. */
export class FoldersTable {
  readonly #insert: Statement<[string]>;
  readonly #byPath: Statement<[string], FolderRow>;
  readonly #byId: Statement<[number], FolderRow>;
  readonly #paths: Statement<[], string>;
  readonly #counted: Record<'all' | 'one', Statement<[{ id?: number; shownScore: number }], CountedFolder>>;
  readonly #beginScan: Statement<[number], { scan: number }>;
  readonly #endScan: Statement<[number, string, number]>;
  readonly #unread: Statement<[string], { unread: string }>;
  readonly #remove: Statement<[number]>;

  constructor(database: Database) {
    const columns = 'id, path, finished_scan AS finishedScan';
    this.#insert = database.prepare('INSERT INTO folders (path) VALUES (?) ON CONFLICT DO NOTHING');
    this.#byPath = database.prepare(`SELECT ${columns} FROM folders WHERE path = ?`);
    this.#byId = database.prepare(`SELECT ${columns} FROM folders WHERE id = ?`);
    this.#paths = database.prepare<[], string>('SELECT path FROM folders ORDER BY path').pluck();
    // In one pass along an index for all folders: looking up each image's results takes six times as long.
    const results = 'results INDEXED BY results_by_image';
    this.#counted = {
      all: database.prepare(countedSql(`${results} CROSS JOIN images ON images.id = results.image_id`, '1')),
      one: database.prepare(
        countedSql(`images CROSS JOIN ${results} ON results.image_id = images.id`, 'folder_id = :id'),
      ),
    };
    this.#beginScan = database.prepare('UPDATE folders SET scan = scan + 1 WHERE id = ? RETURNING scan');
    this.#endScan = database.prepare(
      'UPDATE folders SET finished_scan = max(finished_scan, ?), unread = ? WHERE id = ?',
    );
    this.#unread = database.prepare('SELECT unread FROM folders WHERE path = ?');
    this.#remove = database.prepare('DELETE FROM folders WHERE id = ?');
  }

  /** The folder's row, made when there is none. */
  ensure(path: string): FolderRow {
    this.#insert.run(path);
    return required(this.#byPath.get(path));
  }

  /** The folder at a path; undefined when it is not in the library. */
  find(path: string): FolderRow | undefined {
    return this.#byPath.get(path);
  }

  get(id: number): FolderRow | undefined {
    return this.#byId.get(id);
  }

  /** Paths of all folders, in order. */
  paths(): string[] {
    return this.#paths.all();
  }

  /** One folder, or all of them in order of their paths, with counts. */
  counted(id?: number): CountedFolder[] {
    return id === undefined
      ? this.#counted.all.all({ shownScore: SHOWN_SCORE })
      : this.#counted.one.all({ id, shownScore: SHOWN_SCORE });
  }

  /** Starts a new scan and returns its number. */
  beginScan(folderId: number): number {
    return required(this.#beginScan.get(folderId)).scan;
  }

  /** Notes that a scan has seen all that is in the folder. */
  endScan(folderId: number, scan: number, unread: Record<string, number> = {}): void {
    this.#endScan.run(scan, JSON.stringify(unread), folderId);
  }

  /** Files at a folder's last scan that are no pictures Winnow reads, by their kinds; '' are those without an extension. */
  unread(path: string): Record<string, number> {
    const row = this.#unread.get(path);
    return row === undefined ? {} : (JSON.parse(row.unread) as Record<string, number>);
  }

  /** Forgets a folder with its images, their results and reviews. */
  remove(id: number): void {
    this.#remove.run(id);
  }
}

/** SQL of shownScore of a run. */
const SHOWN_FROM = `CASE WHEN spec -> '$.find' IS NULL
  THEN coalesce(spec ->> '$.imported.shownScore', :shownScore) ELSE 0 END`;

/** `placed`: results with their images, in a good order for the images that fulfil `chosen`. */
function countedSql(placed: string, chosen: string): string {
  return `
    WITH judged AS MATERIALIZED (
      SELECT runs.id AS run_id, class_set, CASE task WHEN 'detection' THEN ${SHOWN_FROM} ELSE 0 END AS least
      FROM runs JOIN models ON sha256 = model_sha256 JOIN class_sets ON class_sets.id = class_set
      WHERE NOT importing),
    held AS (
      SELECT folder_id, max(NOT ${isBlank('judged.least')}) AS labelled
      FROM ${placed} CROSS JOIN judged USING (run_id)
        LEFT JOIN reviews ON reviews.class_set = judged.class_set AND reviews.image_id = results.image_id
      WHERE NOT gone AND ${chosen} AND (results.status = 'ok' OR reviews.label IS NOT NULL)
      GROUP BY results.image_id),
    labels AS MATERIALIZED (
      SELECT folder_id, sum(labelled) AS labelled, sum(NOT labelled) AS blank FROM held GROUP BY folder_id),
    verified AS MATERIALIZED (
      SELECT folder_id, count(*) AS verified
      FROM (SELECT DISTINCT image_id FROM reviews) CROSS JOIN images ON images.id = image_id
      WHERE NOT gone AND ${chosen} GROUP BY folder_id)
    SELECT folders.id, path, coalesce(labelled, 0) AS labelled, coalesce(blank, 0) AS blank,
      coalesce(verified, 0) AS verified, (SELECT count(*) FROM images WHERE folder_id = folders.id)
        - (SELECT count(*) FROM images WHERE folder_id = folders.id AND gone) AS images
    FROM folders LEFT JOIN labels ON labels.folder_id = folders.id
      LEFT JOIN verified ON verified.folder_id = folders.id
    WHERE ${chosen.replace('folder_id', 'folders.id')} ORDER BY path`;
}

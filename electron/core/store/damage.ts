import Database from 'better-sqlite3';
import { isDamaged, SUMMED_TABLES } from './sums.ts';
import type { SummedTable } from './sums.ts';

/** A row that is not what was written. */
export interface DamagedRow {
  table: SummedTable;
  runId: number | null; // of results and what was found
  imageId: number | null; // of results, what was found, images and reviews
  name: string; // path of the image, or what else the row is called
}

/** What a reading of the whole library found. */
export interface Damage {
  rows: number; // that were compared with their checksums
  problems: string[]; // what SQLite says of the file
  found: DamagedRow[]; // by image
}

/** SQL of the path of an image. */
const pathOf = (id: string) =>
  `coalesce((SELECT folders.path || '/' || relative_path FROM images AS shown
    JOIN folders ON folders.id = folder_id WHERE shown.id = ${id}), 'image ' || ${id})`;

const ofImages = (table: SummedTable, runId: string, imageId = `${table}.image_id`) =>
  `${runId} AS runId, ${imageId} AS imageId, ${pathOf(imageId)} AS name`;

const called = (name: string) => `NULL AS runId, NULL AS imageId, ${name} AS name`;

/** SQL of what names a row of each table. */
const NAMES: Record<SummedTable, string> = {
  folders: called('path'),
  directories: called(`(SELECT folders.path FROM folders WHERE folders.id = folder_id) || '/' || path`),
  images: ofImages('images', 'NULL', 'images.id'),
  class_sets: called(`'classes ' || substr(names, 1, 80)`),
  models: called('name'),
  calibrations: called(
    `'calibration of ' || coalesce((SELECT name FROM models WHERE sha256 = model_sha256), '?') || ' on ' || device`,
  ),
  runs: called(`'run ' || id`),
  queue: called(`'run ' || run_id || ' in the queue'`),
  results: ofImages('results', 'run_id'),
  detections: ofImages('detections', 'run_id'),
  masks: ofImages('masks', 'run_id'),
  reviews: ofImages('reviews', 'NULL'),
  transfers: called(`'sorting ' || id || ' into ' || target`),
  transfer_files: called(`source || ' in sorting ' || transfer_id`),
  written_files: called(`'that ' || path || ' was written by Winnow'`),
};

/**
 * Reads the whole library: SQLite checks the file and its indexes, and every row is compared with the checksum that was
 * written with it.
 */
export function findDamage(database: Database.Database): Damage {
  const damage: Damage = { rows: 0, problems: [], found: [] };
  /** Where the file cannot be read on, that is a finding as well. */
  const attempt = (read: () => void) => {
    try {
      read();
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
      damage.problems.push(error.message);
    }
  };
  attempt(() => {
    const lines = database.prepare<[], string>('PRAGMA integrity_check').pluck().all();
    damage.problems.push(...lines.filter((line) => line !== 'ok'));
  });
  for (const table of SUMMED_TABLES) {
    attempt(() => {
      damage.rows += database.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0;
      const rows = database.prepare<[], Omit<DamagedRow, 'table'>>(
        `SELECT ${NAMES[table]} FROM ${table} WHERE ${isDamaged(database, table)} ORDER BY imageId`,
      );
      damage.found.push(...rows.all().map((row) => ({ table, ...row })));
    });
  }
  return damage;
}

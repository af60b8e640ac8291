import type { Database, Statement } from 'better-sqlite3';
import { z } from 'zod';
import { calibrationPointSchema } from '../../../shared/calibration.ts';
import type { Calibration, CalibrationKey } from '../../../shared/calibration.ts';

const pointsSchema = z.array(calibrationPointSchema).min(1);

type StoredCalibration = Omit<Calibration, 'folder' | 'points'> & { folder: string | null; points: string };

/** Statements of the table `calibrations`. */
export class CalibrationsTable {
  readonly #put: Statement<[Omit<StoredCalibration, 'task'>]>;
  readonly #get: Statement<[CalibrationKey], StoredCalibration>;
  readonly #keys: Statement<[], CalibrationKey>;

  constructor(database: Database) {
    const key = 'model_sha256 AS modelSha256, device, machine, engine, threads';
    const task = `(SELECT manifest ->> 'task' FROM models WHERE sha256 = model_sha256) AS task`;
    this.#put = database.prepare(`
      INSERT OR REPLACE INTO calibrations (model_sha256, device, machine, engine, threads,
        created_at, folder, images, labelled, population, points)
      VALUES (:modelSha256, :device, :machine, :engine, :threads,
        :createdAt, :folder, :images, :labelled, :population, :points)`);
    this.#get = database.prepare(`
      SELECT ${key}, ${task}, created_at AS createdAt, folder, images, labelled, population, points FROM calibrations
      WHERE model_sha256 = :modelSha256 AND device = :device AND machine = :machine AND engine = :engine
        AND threads = :threads`);
    this.#keys = database.prepare(`SELECT ${key} FROM calibrations ORDER BY created_at DESC`);
  }

  /** Keeps a calibration, in the place of an older one with the same key. */
  put(calibration: Calibration): void {
    this.#put.run({
      ...calibration,
      folder: calibration.folder ?? null,
      points: JSON.stringify(calibration.points),
    });
  }

  /** The calibration that holds for exactly this model, machine, engine and number of threads. */
  get(key: CalibrationKey): Calibration | undefined {
    const row = this.#get.get(key);
    if (row === undefined) return undefined;
    return { ...row, folder: row.folder ?? undefined, points: pointsSchema.parse(JSON.parse(row.points)) };
  }

  /** What there are calibrations for, the latest first. */
  keys(): CalibrationKey[] {
    return this.#keys.all();
  }
}

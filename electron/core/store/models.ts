import type { Database, Statement } from 'better-sqlite3';
import { manifestSchema } from '../../shared/model-package.ts';
import type { Manifest } from '../../shared/model-package.ts';
import { required } from './row.ts';

/** A model as a run used it. */
export interface ModelRow {
  sha256: string;
  name: string;
  path: string;
  manifest: Manifest;
}

/** Statements of the table `models`. */
export class ModelsTable {
  readonly #put: Statement<[string, string, string, string]>;
  readonly #get: Statement<[string], { sha256: string; name: string; path: string; manifest: string }>;

  constructor(database: Database) {
    this.#put = database.prepare(`
      INSERT INTO models (sha256, name, path, manifest) VALUES (?, ?, ?, ?)
      ON CONFLICT (sha256) DO UPDATE SET name = excluded.name, path = excluded.path`);
    this.#get = database.prepare('SELECT sha256, name, path, manifest FROM models WHERE sha256 = ?');
  }

  put(model: ModelRow): void {
    this.#put.run(model.sha256, model.name, model.path, JSON.stringify(model.manifest));
  }

  /** The model that a run refers to; a foreign key promises that it is there. */
  get(sha256: string): ModelRow {
    const row = required(this.#get.get(sha256));
    return { ...row, manifest: manifestSchema.parse(JSON.parse(row.manifest)) };
  }
}

import type { Database, Statement } from 'better-sqlite3';
import { createHash } from 'node:crypto';
import { manifestSchema, toolManifestSchema } from '../../../shared/model-package.ts';
import type { RunManifest, ToolManifest } from '../../../shared/model-package.ts';
import { sortedClassNames } from '../../models/class-names.ts';
import { required } from '../row.ts';

/** A model as a run used it, or another tool: by its name and classes, with no package. */
export interface ModelRow {
  sha256: string;
  name: string;
  path: string; // '' of another tool
  manifest: RunManifest;
}

/** What a tool's row is found by: equal for equal names and classes. Hex. */
export function sha256OfTool(manifest: ToolManifest): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
}

/** Statements of the tables `models` and `class_sets`. */
export class ModelsTable {
  readonly #putClassSet: Statement<[object]>;
  readonly #put: Statement<[object]>;
  readonly #get: Statement<[string], { sha256: string; name: string; path: string; manifest: string }>;

  constructor(database: Database) {
    this.#putClassSet = database.prepare(
      'INSERT INTO class_sets (task, names) VALUES (:task, :names) ON CONFLICT DO NOTHING',
    );
    this.#put = database.prepare(`
      INSERT INTO models (sha256, name, path, manifest, class_set) VALUES (:sha256, :name, :path, :manifest,
        (SELECT id FROM class_sets WHERE task = :task AND names = :names))
      ON CONFLICT (sha256) DO UPDATE SET name = excluded.name, path = excluded.path`);
    this.#get = database.prepare('SELECT sha256, name, path, manifest FROM models WHERE sha256 = ?');
  }

  /** Saves a model by its content, with the set of its classes, which models of the same task and names share. */
  put({ sha256, name, path, manifest }: ModelRow): void {
    const { task, labels } = manifest;
    const classSet = { task, names: JSON.stringify(sortedClassNames(labels)) };
    this.#putClassSet.run(classSet);
    this.#put.run({ ...classSet, sha256, name, path, manifest: JSON.stringify(manifest) });
  }

  /** The model that a run refers to; a foreign key promises that it is there. */
  get(sha256: string): ModelRow {
    const row = required(this.#get.get(sha256));
    const manifest = JSON.parse(row.manifest) as object;
    const schema = 'tool' in manifest ? toolManifestSchema : manifestSchema;
    return { ...row, manifest: schema.parse(manifest) };
  }
}

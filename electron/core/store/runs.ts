import type { Database, Statement } from 'better-sqlite3';
import type { RunSpec, RunState } from '../../shared/run.ts';
import { required } from './row.ts';

/** A run without its counts, which `results` knows. */
export interface RunRow {
  id: number;
  spec: RunSpec;
  state: RunState;
  createdAt: string;
  finishedAt: string | undefined;
}

interface StoredRun {
  id: number;
  spec: string;
  state: RunState;
  created_at: string;
  finished_at: string | null;
}

/** Statements of the table `runs`. */
export class RunsTable {
  readonly #insert: Statement<[string, string, string, string]>;
  readonly #byKey: Statement<[string], StoredRun>;
  readonly #byId: Statement<[number], StoredRun>;
  readonly #all: Statement<[], StoredRun>;
  readonly #setState: Statement<[RunState, string | null, number]>;

  constructor(database: Database) {
    const columns = 'id, spec, state, created_at, finished_at';
    this.#insert = database.prepare(`
      INSERT INTO runs (spec, spec_key, model_sha256, state, created_at) VALUES (?, ?, ?, 'scanning', ?)
      ON CONFLICT (spec_key) DO NOTHING`);
    this.#byKey = database.prepare(`SELECT ${columns} FROM runs WHERE spec_key = ?`);
    this.#byId = database.prepare(`SELECT ${columns} FROM runs WHERE id = ?`);
    this.#all = database.prepare(`SELECT ${columns} FROM runs ORDER BY id`);
    this.#setState = database.prepare('UPDATE runs SET state = ?, finished_at = ? WHERE id = ?');
  }

  /** The run with this spec, made when there is none. */
  ensure(spec: RunSpec, createdAt: string): RunRow {
    const key = specKey(spec);
    this.#insert.run(JSON.stringify(spec), key, spec.modelSha256, createdAt);
    return toRun(required(this.#byKey.get(key)));
  }

  get(id: number): RunRow | undefined {
    const row = this.#byId.get(id);
    return row === undefined ? undefined : toRun(row);
  }

  all(): RunRow[] {
    return this.#all.all().map(toRun);
  }

  setState(id: number, state: RunState, finishedAt?: string): void {
    this.#setState.run(state, finishedAt ?? null, id);
  }
}

/** What makes two specs the same run: everything that changes a result, and no name that does not. */
function specKey({ folders, modelSha256, preset, device }: RunSpec): string {
  const { tokenKeep, blockThreshold, precision } = preset;
  return JSON.stringify({ folders, modelSha256, tokenKeep, blockThreshold, precision, device });
}

function toRun(row: StoredRun): RunRow {
  return {
    id: row.id,
    spec: JSON.parse(row.spec) as RunSpec,
    state: row.state,
    createdAt: row.created_at,
    finishedAt: row.finished_at ?? undefined,
  };
}

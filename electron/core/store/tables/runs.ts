import type { Database, Statement } from 'better-sqlite3';
import { randomUUID } from 'node:crypto';
import type { FindSpec, ImportedSpec, PredictedSpec, RunSpec, RunState } from '../../../shared/run.ts';
import { required } from '../row.ts';

/** A run without its counts, which `results` knows. */
export interface RunRow {
  id: number;
  spec: RunSpec;
  state: RunState; // 'scanning' and 'running' only while the process that works on it lives
  elsewhere: boolean; // another Winnow is at work on it
  scanDue: boolean; // its folders are to be scanned before it predicts
  createdAt: string;
  finishedAt: string | undefined;
  notes: string[]; // see Run
  reason: string | undefined; // see Run
}

interface StoredRun {
  id: number;
  spec: string;
  state: RunState;
  scan_due: number;
  created_at: string;
  finished_at: string | null;
  notes: string;
  reason: string | null;
}

/** Who works on a run that is under way: the process that may write runs. */
export type Writer = 'here' | 'elsewhere' | undefined;

/**
 * Statements of the table `runs`. A process that dies leaves its run as it was: what is told of a state comes from here
 * alone, and is true of the process too.
 */
export class RunsTable {
  readonly #writer: () => Writer;
  readonly #insert: Statement<[string, string, string, string]>;
  readonly #byKey: Statement<[string], StoredRun>;
  readonly #byId: Statement<[number], StoredRun>;
  readonly #all: Statement<[], StoredRun>;
  readonly #forgetFolder: Statement<[string]>;
  readonly #setState: Statement<
    [{ id: number; state: RunState; finishedAt: string | null; reason: string | null }]
  >;
  readonly #setScanDue: Statement<[number, number]>;
  readonly #addNote: Statement<[{ id: number; note: string }]>;
  readonly #pauseInterrupted: Statement<[]>;
  readonly #remove: Statement<[number]>;
  readonly #beginImport: Statement<[object], { id: number }>;
  readonly #endImport: Statement<[number]>;
  readonly #dropUnfinished: Statement<[]>;

  constructor(database: Database, writer: () => Writer) {
    this.#writer = writer;
    const columns = `id, spec, scan_due, created_at, finished_at, notes, reason,
      CASE WHEN id IN (SELECT run_id FROM queue) THEN 'queued' ELSE state END AS state`;
    this.#insert = database.prepare(`
      INSERT INTO runs (spec, spec_key, model_sha256, state, scan_due, created_at) VALUES (?, ?, ?, 'paused', 1, ?)
      ON CONFLICT (spec_key) DO NOTHING`);
    this.#byKey = database.prepare(`SELECT ${columns} FROM runs WHERE spec_key = ? AND NOT importing`);
    this.#byId = database.prepare(`SELECT ${columns} FROM runs WHERE id = ? AND NOT importing`);
    this.#all = database.prepare(`SELECT ${columns} FROM runs WHERE NOT importing ORDER BY id`);
    this.#forgetFolder = database.prepare(`
      DELETE FROM runs WHERE id NOT IN (SELECT run_id FROM queue)
        AND EXISTS (SELECT 1 FROM json_each(spec, '$.folders') WHERE value = ?)
        AND NOT EXISTS (SELECT 1 FROM json_each(spec, '$.folders') JOIN folders ON folders.path = value)`);
    this.#setState = database.prepare(
      'UPDATE runs SET state = :state, finished_at = :finishedAt, reason = :reason WHERE id = :id',
    );
    this.#setScanDue = database.prepare('UPDATE runs SET scan_due = ? WHERE id = ?');
    this.#addNote = database.prepare(`
      UPDATE runs SET notes = json_insert(notes, '$[#]', :note)
      WHERE id = :id AND NOT EXISTS (SELECT 1 FROM json_each(notes) WHERE value = :note)`);
    this.#pauseInterrupted = database.prepare(
      `UPDATE runs SET state = 'paused' WHERE state IN ('scanning', 'running')`,
    );
    this.#remove = database.prepare('DELETE FROM runs WHERE id = ?');
    this.#beginImport = database.prepare(`
      INSERT INTO runs (spec, spec_key, model_sha256, state, scan_due, created_at, finished_at, importing)
      VALUES (:spec, :key, :modelSha256, 'done', 0, :createdAt, :createdAt, 1) RETURNING id`);
    this.#endImport = database.prepare('UPDATE runs SET importing = 0 WHERE id = ?');
    this.#dropUnfinished = database.prepare('DELETE FROM runs WHERE importing');
  }

  /** The run with this spec, made when there is none. */
  ensure(spec: PredictedSpec, createdAt: string): RunRow {
    const key = specKey(spec);
    this.#insert.run(JSON.stringify(spec), key, spec.modelSha256, createdAt);
    return this.#toRun(required(this.#byKey.get(key)));
  }

  /** The run with this spec; undefined when there is none. */
  find(spec: PredictedSpec): RunRow | undefined {
    const row = this.#byKey.get(specKey(spec));
    return row === undefined ? undefined : this.#toRun(row);
  }

  /**
   * A run for the results of another tool, of its own at every call, done from the start. Nobody sees it before `endImport`,
   * so that one that is only half read in is never taken for a whole one.
   */
  beginImport(spec: ImportedSpec, createdAt: string): number {
    const { modelSha256 } = spec;
    const key = `imported ${randomUUID()}`;
    return required(this.#beginImport.get({ spec: JSON.stringify(spec), key, modelSha256, createdAt })).id;
  }

  endImport(id: number): void {
    this.#endImport.run(id);
  }

  /** Forgets runs that were not read in to the end. The caller holds the writer lock, so none is being read in. */
  dropUnfinished(): void {
    this.#dropUnfinished.run();
  }

  get(id: number): RunRow | undefined {
    const row = this.#byId.get(id);
    return row === undefined ? undefined : this.#toRun(row);
  }

  all(): RunRow[] {
    return this.#all.all().map((row) => this.#toRun(row));
  }

  /** Forgets the runs on a folder that left the library, unless others of their folders are in it or they wait. */
  forgetFolder(path: string): void {
    this.#forgetFolder.run(path);
  }

  /** `reason`: why it failed, or was paused without a person; undefined in every other state. */
  setState(id: number, state: RunState, finishedAt?: string, reason?: string): void {
    this.#setState.run({ id, state, finishedAt: finishedAt ?? null, reason: reason ?? null });
  }

  setScanDue(id: number, due: boolean): void {
    this.#setScanDue.run(Number(due), id);
  }

  /** Adds a sentence to what became of a run's devices, unless it is there. */
  addNote(id: number, note: string): void {
    this.#addNote.run({ id, note });
  }

  /** Pauses runs whose process ended without saying so. The caller holds the writer lock, so none is under way. */
  pauseInterrupted(): void {
    this.#pauseInterrupted.run();
  }

  /** Forgets a run with its results. */
  remove(id: number): void {
    this.#remove.run(id);
  }

  #toRun(row: StoredRun): RunRow {
    const writer = isUnderWay(row.state) ? this.#writer() : undefined;
    return {
      id: row.id,
      spec: JSON.parse(row.spec) as RunSpec,
      state: isUnderWay(row.state) && writer === undefined ? 'paused' : row.state,
      elsewhere: writer === 'elsewhere',
      scanDue: row.scan_due === 1,
      createdAt: row.created_at,
      finishedAt: row.finished_at ?? undefined,
      notes: JSON.parse(row.notes) as string[],
      reason: row.reason ?? undefined,
    };
  }
}

function isUnderWay(state: RunState): boolean {
  return state === 'scanning' || state === 'running';
}

/**
 * What makes two specs the same run: everything that changes a result, and no name that does not. What a spec does not
 * have is left out, so that the keys of earlier versions stay the same.
 */
function specKey({
  folders,
  modelSha256,
  preset,
  device,
  detection,
  slideStride,
  find,
}: PredictedSpec): string {
  const { tokenKeep, blockThreshold, precision, inputSize } = preset;
  const settings = { tokenKeep, blockThreshold, precision, device, inputSize, slideStride };
  const { minScore, nmsIou, maxDetections } = detection ?? {};
  const first = find && findKey(find);
  return JSON.stringify({ folders, modelSha256, ...settings, minScore, nmsIou, maxDetections, find: first });
}

/** The same of what finds first: as specKey, without names. */
function findKey({ predicted, run, minScore, margin, rule, pass, ...models }: FindSpec): object {
  const { modelSha256, classifierSha256 } = models;
  const { tokenKeep, blockThreshold, precision, inputSize } = predicted?.preset ?? {};
  const settings = predicted && { tokenKeep, blockThreshold, precision, inputSize, ...predicted.detection };
  return { modelSha256, classifierSha256, settings, run, minScore, margin, rule, pass };
}

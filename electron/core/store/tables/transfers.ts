import type { Database, Statement } from 'better-sqlite3';
import { z } from 'zod';
import { resultFilterSchema } from '../../../shared/api/results.ts';
import type { ResultFilter } from '../../../shared/api/results.ts';
import { required } from '../row.ts';

/** Images that were copied or moved together. */
export interface TransferRow {
  id: number;
  target: string; // absolute
  mode: 'copy' | 'move';
  createdAt: string; // ISO 8601
  folders: string[]; // that it made, or was about to
  /** What is being done, or was when a process was killed or stopped; 'done' when it came to its end. */
  state: 'transferring' | 'undoing' | 'done';
  runId: number | null; // whose images they are; null when that run is gone, or is not known
  filter: ResultFilter;
}

/** One file of a transfer, as it was when it was transferred. */
export interface TransferFile {
  number: number; // within its transfer
  source: string; // absolute
  place: string; // absolute
  fileSize: number;
  modifiedMs: number;
  error: string | null; // why nothing was done
}

/** Where an earlier transfer put a file, as it was then. */
export type PutBefore = Pick<TransferFile, 'place' | 'fileSize' | 'modifiedMs'> & Pick<TransferRow, 'mode'>;

type StoredTransfer = Omit<TransferRow, 'folders' | 'filter'> & { folders: string; filter: string };

const foldersSchema = z.array(z.string());

/** Statements of the tables `transfers` and `transfer_files`. */
export class TransfersTable {
  readonly #begin: Statement<[string, string, string, string, number | null, string], { id: number }>;
  readonly #get: Statement<[number], StoredTransfer>;
  readonly #all: Statement<[], StoredTransfer>;
  readonly #setFolders: Statement<[string, number]>;
  readonly #add: Statement<[TransferFile & { transferId: number }]>;
  readonly #setError: Statement<[string, number, number]>;
  readonly #removeFile: Statement<[number, number]>;
  readonly #done: Statement<[number, number, number], TransferFile>;
  readonly #countDone: Statement<[number], number>;
  readonly #failed: Statement<[number, number], TransferFile>;
  readonly #underWay: Statement<[number], TransferFile>;
  readonly #setUnderWay: Statement<[number, number, number]>;
  readonly #putBefore: Statement<[string], PutBefore>;
  readonly #setState: Statement<[TransferRow['state'], number]>;
  readonly #forgetFailed: Statement<[number]>;
  readonly #lastNumber: Statement<[number], number>;
  readonly #remove: Statement<[number]>;

  constructor(database: Database) {
    const columns = 'id, target, mode, created_at AS createdAt, folders, state, run_id AS runId, filter';
    const fileColumns = 'number, source, place, file_size AS fileSize, modified_ms AS modifiedMs, error';
    this.#begin = database.prepare(`
      INSERT INTO transfers (target, mode, created_at, folders, state, run_id, filter)
      VALUES (?, ?, ?, ?, 'transferring', ?, ?) RETURNING id`);
    this.#get = database.prepare(`SELECT ${columns} FROM transfers WHERE id = ?`);
    this.#all = database.prepare(`SELECT ${columns} FROM transfers ORDER BY id DESC`);
    this.#setFolders = database.prepare('UPDATE transfers SET folders = ? WHERE id = ?');
    this.#add = database.prepare(`
      INSERT INTO transfer_files (transfer_id, number, source, place, file_size, modified_ms, error, under_way)
      VALUES (:transferId, :number, :source, :place, :fileSize, :modifiedMs, :error, :error IS NULL)`);
    this.#setError = database.prepare(
      'UPDATE transfer_files SET error = ?, under_way = 0 WHERE transfer_id = ? AND number = ?',
    );
    this.#removeFile = database.prepare('DELETE FROM transfer_files WHERE transfer_id = ? AND number = ?');
    this.#done = database.prepare(`
      SELECT ${fileColumns} FROM transfer_files
      WHERE transfer_id = ? AND error IS NULL AND number > ? ORDER BY number LIMIT ?`);
    this.#countDone = database
      .prepare<[number], number>(
        'SELECT count(*) FROM transfer_files WHERE transfer_id = ? AND error IS NULL',
      )
      .pluck();
    this.#failed = database.prepare(`
      SELECT ${fileColumns} FROM transfer_files WHERE transfer_id = ? AND error IS NOT NULL ORDER BY number LIMIT ?`);
    this.#underWay = database.prepare(`
      SELECT ${fileColumns} FROM transfer_files WHERE transfer_id = ? AND under_way = 1 ORDER BY number`);
    this.#setUnderWay = database.prepare(
      'UPDATE transfer_files SET under_way = ? WHERE transfer_id = ? AND number = ?',
    );
    this.#putBefore = database.prepare(`
      SELECT mode, place, file_size AS fileSize, modified_ms AS modifiedMs
      FROM transfer_files JOIN transfers ON transfers.id = transfer_id WHERE source = ? AND error IS NULL`);
    this.#setState = database.prepare('UPDATE transfers SET state = ? WHERE id = ?');
    this.#forgetFailed = database.prepare(
      'DELETE FROM transfer_files WHERE transfer_id = ? AND error IS NOT NULL',
    );
    this.#lastNumber = database
      .prepare<[number], number>('SELECT coalesce(max(number), 0) FROM transfer_files WHERE transfer_id = ?')
      .pluck();
    this.#remove = database.prepare('DELETE FROM transfers WHERE id = ?');
  }

  /** Notes that a transfer begins, and the folders that its target needs; returns its number. */
  begin({ target, mode, createdAt, folders, runId, filter }: Omit<TransferRow, 'id' | 'state'>): number {
    const json = [JSON.stringify(folders), JSON.stringify(filter)] as const;
    return required(this.#begin.get(target, mode, createdAt, json[0], runId, json[1])).id;
  }

  get(id: number): TransferRow | undefined {
    const row = this.#get.get(id);
    return row && toTransfer(row);
  }

  /** The last first. */
  all(): TransferRow[] {
    return this.#all.all().map(toTransfer);
  }

  setFolders(id: number, folders: readonly string[]): void {
    this.#setFolders.run(JSON.stringify(folders), id);
  }

  /** Notes a file that is going to be transferred, and is under way until it is settled; or one that cannot be. */
  add(transferId: number, file: TransferFile): void {
    this.#add.run({ transferId, ...file });
  }

  /** Notes why nothing was done with a file. */
  setError(transferId: number, number: number, error: string): void {
    this.#setError.run(error, transferId, number);
  }

  /** Notes that a file is going to be brought back. */
  beginUndo(transferId: number, number: number): void {
    this.#setUnderWay.run(1, transferId, number);
  }

  /** Notes that a file is where it belongs. */
  settle(transferId: number, number: number): void {
    this.#setUnderWay.run(0, transferId, number);
  }

  /** Files that are being transferred or brought back now, or were when a process was killed. */
  underWay(transferId: number): TransferFile[] {
    return this.#underWay.all(transferId);
  }

  setState(id: number, state: TransferRow['state']): void {
    this.#setState.run(state, id);
  }

  /** Notes that a transfer goes on: files that nothing could be done with are tried again. Returns the last number given. */
  resume(id: number): number {
    this.setState(id, 'transferring');
    this.#forgetFailed.run(id);
    return required(this.#lastNumber.get(id));
  }

  /** Where a file was put by transfers that are not undone. */
  putBefore(source: string): PutBefore[] {
    return this.#putBefore.all(source);
  }

  /** Forgets a file that is back. */
  removeFile(transferId: number, number: number): void {
    this.#removeFile.run(transferId, number);
  }

  /** Files that were transferred, or are under way, and are not back, behind the one with the number `after` (0 starts). */
  done(transferId: number, after: number, limit: number): TransferFile[] {
    return this.#done.all(transferId, after, limit);
  }

  countDone(transferId: number): number {
    return required(this.#countDone.get(transferId));
  }

  /** The first files that nothing was done with. */
  failed(transferId: number, limit: number): TransferFile[] {
    return this.#failed.all(transferId, limit);
  }

  /** Forgets a transfer of which nothing is left to undo. */
  remove(id: number): void {
    this.#remove.run(id);
  }
}

function toTransfer(row: StoredTransfer): TransferRow {
  return {
    ...row,
    folders: foldersSchema.parse(JSON.parse(row.folders)),
    filter: resultFilterSchema.parse(JSON.parse(row.filter)),
  };
}

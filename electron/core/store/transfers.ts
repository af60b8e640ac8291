import type { Database, Statement } from 'better-sqlite3';
import { z } from 'zod';
import { required } from './row.ts';

/** Images that were copied or moved together. */
export interface TransferRow {
  id: number;
  target: string; // absolute
  mode: 'copy' | 'move';
  createdAt: string; // ISO 8601
  folders: string[]; // that it made
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

type StoredTransfer = Omit<TransferRow, 'folders'> & { folders: string };

const foldersSchema = z.array(z.string());

/** Statements of the tables `transfers` and `transfer_files`. */
export class TransfersTable {
  readonly #begin: Statement<[string, string, string], { id: number }>;
  readonly #get: Statement<[number], StoredTransfer>;
  readonly #all: Statement<[], StoredTransfer>;
  readonly #setFolders: Statement<[string, number]>;
  readonly #add: Statement<[TransferFile & { transferId: number }]>;
  readonly #setError: Statement<[string, number, number]>;
  readonly #removeFile: Statement<[number, number]>;
  readonly #done: Statement<[number, number, number], TransferFile>;
  readonly #countDone: Statement<[number], number>;
  readonly #failed: Statement<[number, number], TransferFile>;
  readonly #remove: Statement<[number]>;

  constructor(database: Database) {
    const columns = 'id, target, mode, created_at AS createdAt, folders';
    const fileColumns = 'number, source, place, file_size AS fileSize, modified_ms AS modifiedMs, error';
    this.#begin = database.prepare(
      'INSERT INTO transfers (target, mode, created_at) VALUES (?, ?, ?) RETURNING id',
    );
    this.#get = database.prepare(`SELECT ${columns} FROM transfers WHERE id = ?`);
    this.#all = database.prepare(`SELECT ${columns} FROM transfers ORDER BY id DESC`);
    this.#setFolders = database.prepare('UPDATE transfers SET folders = ? WHERE id = ?');
    this.#add = database.prepare(`
      INSERT INTO transfer_files (transfer_id, number, source, place, file_size, modified_ms, error)
      VALUES (:transferId, :number, :source, :place, :fileSize, :modifiedMs, :error)`);
    this.#setError = database.prepare(
      'UPDATE transfer_files SET error = ? WHERE transfer_id = ? AND number = ?',
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
    this.#remove = database.prepare('DELETE FROM transfers WHERE id = ?');
  }

  /** Notes that a transfer begins; returns its number. */
  begin(target: string, mode: 'copy' | 'move', createdAt: string): number {
    return required(this.#begin.get(target, mode, createdAt)).id;
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

  add(transferId: number, file: TransferFile): void {
    this.#add.run({ transferId, ...file });
  }

  /** Notes why nothing was done with a file. */
  setError(transferId: number, number: number, error: string): void {
    this.#setError.run(error, transferId, number);
  }

  /** Forgets a file that is back. */
  removeFile(transferId: number, number: number): void {
    this.#removeFile.run(transferId, number);
  }

  /** Files that were transferred and are not back, behind the one with the number `after` (0 starts). */
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
  return { ...row, folders: foldersSchema.parse(JSON.parse(row.folders)) };
}

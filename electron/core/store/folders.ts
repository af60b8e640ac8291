import type { Database, Statement } from 'better-sqlite3';
import { required } from './row.ts';

export interface FolderRow {
  id: number;
  path: string;
}

/** Statements of the table `folders`. */
export class FoldersTable {
  readonly #insert: Statement<[string]>;
  readonly #select: Statement<[string], FolderRow>;
  readonly #beginScan: Statement<[number], { scan: number }>;

  constructor(database: Database) {
    this.#insert = database.prepare('INSERT INTO folders (path) VALUES (?) ON CONFLICT DO NOTHING');
    this.#select = database.prepare('SELECT id, path FROM folders WHERE path = ?');
    this.#beginScan = database.prepare('UPDATE folders SET scan = scan + 1 WHERE id = ? RETURNING scan');
  }

  /** The folder's row, made when there is none. */
  ensure(path: string): FolderRow {
    this.#insert.run(path);
    return required(this.#select.get(path));
  }

  /** Starts a new scan and returns its number; files not seen under that number have vanished. */
  beginScan(folderId: number): number {
    return required(this.#beginScan.get(folderId)).scan;
  }
}

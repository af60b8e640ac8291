import type { Database, Statement } from 'better-sqlite3';
import type { FileIdentity } from '../files/file-identity.ts';

/** A file that a person had written. */
export interface WrittenFile {
  path: string; // absolute, without links
  command: string;
  format: string;
  runId: number | null; // whose results it holds
  identity: FileIdentity;
}

type Stored = Omit<WrittenFile, 'identity'> & FileIdentity;

/** Statements of the table `written_files`. */
export class WrittenFilesTable {
  readonly #put: Statement<[Stored]>;
  readonly #get: Statement<[string, string, string], FileIdentity>;

  constructor(database: Database) {
    this.#put = database.prepare(`
      INSERT OR REPLACE INTO written_files (path, command, format, run_id, device, inode, file_size, modified_ns)
      VALUES (:path, :command, :format, :runId, :device, :inode, :fileSize, :modifiedNs)`);
    this.#get = database.prepare(`
      SELECT device, inode, file_size AS fileSize, modified_ns AS modifiedNs FROM written_files
      WHERE path = ? AND command = ? AND format = ?`);
  }

  /** Notes that a file was written. */
  put({ identity, ...file }: WrittenFile): void {
    this.#put.run({ ...file, ...identity });
  }

  /** What the same command wrote at a place in the same format, as it was then. */
  get({ path, command, format }: Pick<WrittenFile, 'path' | 'command' | 'format'>): FileIdentity | undefined {
    return this.#get.get(path, command, format);
  }
}

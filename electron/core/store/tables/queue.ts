import type { Database, Statement } from 'better-sqlite3';

/** A run that waits, with how it is to be worked on. */
export interface QueueEntry {
  runId: number;
  threads: number | undefined;
  batch: number | undefined;
}

interface StoredEntry {
  runId: number;
  threads: number | null;
  batch: number | null;
}

/** Statements of the table `queue`. */
export class QueueTable {
  readonly #all: Statement<[], StoredEntry>;
  readonly #addLast: Statement<[StoredEntry]>;
  readonly #addFirst: Statement<[StoredEntry]>;
  readonly #remove: Statement<[number]>;
  readonly #setPosition: Statement<[number, number]>;

  constructor(database: Database) {
    const add = (position: string) => `
      INSERT INTO queue (run_id, position, threads, batch)
      VALUES (:runId, (SELECT coalesce(${position}, 0) FROM queue), :threads, :batch) ON CONFLICT DO NOTHING`;
    this.#all = database.prepare('SELECT run_id AS runId, threads, batch FROM queue ORDER BY position');
    this.#addLast = database.prepare(add('max(position) + 1'));
    this.#addFirst = database.prepare(add('min(position) - 1'));
    this.#remove = database.prepare('DELETE FROM queue WHERE run_id = ?');
    this.#setPosition = database.prepare('UPDATE queue SET position = ? WHERE run_id = ?');
  }

  /** The runs that wait, the next first. */
  all(): QueueEntry[] {
    return this.#all.all().map(({ runId, threads, batch }) => ({
      runId,
      threads: threads ?? undefined,
      batch: batch ?? undefined,
    }));
  }

  /** Adds a run behind the others, or before them; one that waits already keeps its place. */
  add({ runId, threads, batch }: QueueEntry, place: 'first' | 'last'): void {
    const entry = { runId, threads: threads ?? null, batch: batch ?? null };
    (place === 'first' ? this.#addFirst : this.#addLast).run(entry);
  }

  /** Whether the run waited. */
  remove(runId: number): boolean {
    return this.#remove.run(runId).changes > 0;
  }

  /** Puts the waiting runs into this order. The caller has a transaction. */
  order(runIds: readonly number[]): void {
    for (const [position, runId] of runIds.entries()) this.#setPosition.run(position, runId);
  }
}

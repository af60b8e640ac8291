import type { Database, Statement } from 'better-sqlite3';
import { required } from './row.ts';

/** What the images of a run become: labelled as the model does, labelled, or as if never reviewed. */
export type ReviewTarget =
  | { kind: 'accept'; classLabels: readonly string[] } // labels of the model's classes, by index
  | { kind: 'label'; label: string }
  | { kind: 'clear' };

interface Step {
  step: number;
  description: string;
}

/** Both texts are NULL where an image had, or has then, no review. */
const TABLES = `
  CREATE TEMP TABLE review_steps (
    step        INTEGER PRIMARY KEY,
    description TEXT    NOT NULL,
    undone      INTEGER NOT NULL DEFAULT 0
  );
  CREATE TEMP TABLE review_changes (
    step            INTEGER NOT NULL,
    image_id        INTEGER NOT NULL,
    old_label       TEXT,
    old_verified_at TEXT,
    new_label       TEXT,
    new_verified_at TEXT,
    PRIMARY KEY (step, image_id)
  ) WITHOUT ROWID;
  CREATE TEMP TABLE accepted_classes (class INTEGER PRIMARY KEY, label TEXT NOT NULL);`;

/**
 * Changes of the table `reviews`, in steps that can be taken back and done again. The steps are kept in temporary tables,
 * so they last as long as the library is open, need no memory, and are rolled back together with what they changed.
 * Every method is to be called in a transaction.
 */
export class ReviewHistory {
  readonly #database: Database;
  readonly #begin: Statement<[string], { step: number }>;
  readonly #describe: Statement<[string, number]>;
  readonly #drop: Statement<[number]>;
  readonly #dropUndoneSteps: Statement<[]>;
  readonly #dropOrphanedChanges: Statement<[]>;
  readonly #record: Record<ReviewTarget['kind'], Statement<[object]>>;
  readonly #unknown: Statement<[{ runId: number; imageIds: string }], number>;
  readonly #lastDone: Statement<[], Step>;
  readonly #firstUndone: Statement<[], Step>;
  readonly #setUndone: Statement<[number, number]>;
  readonly #imageIds: Statement<[number], number>;

  constructor(database: Database) {
    database.exec(TABLES);
    this.#database = database;
    this.#begin = database.prepare('INSERT INTO review_steps (description) VALUES (?) RETURNING step');
    this.#describe = database.prepare('UPDATE review_steps SET description = ? WHERE step = ?');
    this.#drop = database.prepare('DELETE FROM review_steps WHERE step = ?');
    this.#dropUndoneSteps = database.prepare('DELETE FROM review_steps WHERE undone');
    this.#dropOrphanedChanges = database.prepare(
      'DELETE FROM review_changes WHERE step NOT IN (SELECT step FROM review_steps)',
    );
    const accepted = '(SELECT label FROM accepted_classes WHERE class = results.class_1)';
    this.#record = {
      accept: prepareRecord(database, accepted, `${accepted} IS NOT NULL AND`),
      label: prepareRecord(database, ':label', ''),
      clear: prepareRecord(database, 'NULL', ''),
    };
    this.#unknown = database
      .prepare<[{ runId: number; imageIds: string }], number>(
        `SELECT value FROM json_each(:imageIds) WHERE NOT EXISTS
          (SELECT 1 FROM results WHERE run_id = :runId AND image_id = value) LIMIT 1`,
      )
      .pluck();
    const columns = 'SELECT step, description FROM review_steps';
    this.#lastDone = database.prepare(`${columns} WHERE NOT undone ORDER BY step DESC LIMIT 1`);
    this.#firstUndone = database.prepare(`${columns} WHERE undone ORDER BY step LIMIT 1`);
    this.#setUndone = database.prepare('UPDATE review_steps SET undone = ? WHERE step = ?');
    this.#imageIds = database
      .prepare<[number], number>('SELECT image_id FROM review_changes WHERE step = ? ORDER BY image_id')
      .pluck();
  }

  /** One of the images that is not in the run; undefined when all are. */
  findUnknown(runId: number, imageIds: readonly number[]): number | undefined {
    return this.#unknown.get({ runId, imageIds: JSON.stringify(imageIds) });
  }

  /**
   * Changes the reviews of images of a run, as a new step that `describe` names by the number of images that it changed;
   * nothing that was undone can be done again then. Returns the images that changed; without any there is no step.
   * Accepting passes over images without a prediction.
   */
  change(
    runId: number,
    imageIds: readonly number[],
    target: ReviewTarget,
    verifiedAt: string,
    describe: (images: number) => string,
  ): number[] {
    const { step } = required(this.#begin.get(''));
    if (target.kind === 'accept') this.#setAcceptedClasses(target.classLabels);
    const common = { step, runId, imageIds: JSON.stringify(imageIds) };
    if (target.kind === 'clear') this.#record.clear.run(common);
    else if (target.kind === 'accept') this.#record.accept.run({ ...common, verifiedAt });
    else this.#record.label.run({ ...common, verifiedAt, label: target.label });
    const changed = this.#imageIds.all(step);
    if (changed.length === 0) {
      this.#drop.run(step);
      return changed;
    }
    this.#describe.run(describe(changed.length), step);
    this.#dropUndoneSteps.run();
    this.#dropOrphanedChanges.run();
    this.#apply(step, 'new');
    return changed;
  }

  /** Takes back the last step that is not undone; undefined when there is none. */
  undo(): { description: string; imageIds: number[] } | undefined {
    return this.#move(this.#lastDone.get(), 'old');
  }

  /** Does the step again that was undone last; undefined when there is none. */
  redo(): { description: string; imageIds: number[] } | undefined {
    return this.#move(this.#firstUndone.get(), 'new');
  }

  /** What undo and redo would do. */
  descriptions(): { undo: string | undefined; redo: string | undefined } {
    return { undo: this.#lastDone.get()?.description, redo: this.#firstUndone.get()?.description };
  }

  /** Drops what is about images that left the library: their numbers may come to stand for others. */
  forgetMissingImages(): void {
    this.#database.exec(`
      DELETE FROM review_changes WHERE image_id NOT IN (SELECT id FROM images);
      DELETE FROM review_steps WHERE step NOT IN (SELECT step FROM review_changes);`);
  }

  #move(step: Step | undefined, side: 'old' | 'new') {
    if (step === undefined) return undefined;
    this.#setUndone.run(side === 'old' ? 1 : 0, step.step);
    this.#apply(step.step, side);
    return { description: step.description, imageIds: this.#imageIds.all(step.step) };
  }

  #apply(step: number, side: 'old' | 'new'): void {
    const changes = `FROM review_changes WHERE step = ? AND ${side}_label`;
    this.#database
      .prepare(`DELETE FROM reviews WHERE image_id IN (SELECT image_id ${changes} IS NULL)`)
      .run(step);
    this.#database
      .prepare(
        `INSERT OR REPLACE INTO reviews (image_id, label, verified_at)
        SELECT image_id, ${side}_label, ${side}_verified_at ${changes} IS NOT NULL`,
      )
      .run(step);
  }

  #setAcceptedClasses(labels: readonly string[]): void {
    this.#database.exec('DELETE FROM accepted_classes');
    this.#database
      .prepare('INSERT INTO accepted_classes (class, label) SELECT key, value FROM json_each(?)')
      .run(JSON.stringify(labels));
  }
}

/** Notes what a step changes: the images that have another label afterwards, each once. */
function prepareRecord(database: Database, label: string, condition: string): Statement<[object]> {
  return database.prepare(`
    INSERT OR IGNORE INTO review_changes
      (step, image_id, old_label, old_verified_at, new_label, new_verified_at)
    SELECT :step, results.image_id, reviews.label, reviews.verified_at, ${label},
      ${label === 'NULL' ? 'NULL' : ':verifiedAt'}
    FROM json_each(:imageIds) AS wanted
      CROSS JOIN results ON results.run_id = :runId AND results.image_id = wanted.value
      LEFT JOIN reviews ON reviews.image_id = results.image_id
    WHERE ${condition} ${label} IS NOT reviews.label`);
}

import type { Database, Statement } from 'better-sqlite3';
import type { HumanBox } from '../../../shared/api/review.ts';
import { CLASS_SET, REVIEW_JOIN } from '../lists/result-filter.ts';
import { required } from '../row.ts';

/** What the images of a run become. `classLabels`: labels of the model's classes, by index. */
export type ReviewTarget =
  | { kind: 'accept'; classLabels: readonly string[] } // labelled as the model does
  /** The model's boxes of at least that score; where a person has touched the boxes before, they stay. */
  | { kind: 'acceptBoxes'; classLabels: readonly string[]; minScore: number }
  | { kind: 'label'; label: string } // boxes stay
  | { kind: 'boxes'; boxes: readonly HumanBox[] }
  | { kind: 'clear' }; // as if never reviewed

/** A review that was read from elsewhere. */
export interface ReadReview {
  imageId: number;
  label: string; // '' where nothing is in the image
  boxes?: HumanBox[] | undefined; // undefined: only the label was given
}

interface Step {
  step: number;
  description: string;
}

/** All four are NULL where an image had, or has then, no review; a source also where the review was given here. */
const TABLES = `
  CREATE TEMP TABLE review_steps (
    step        INTEGER PRIMARY KEY,
    description TEXT    NOT NULL,
    undone      INTEGER NOT NULL DEFAULT 0
  );
  CREATE TEMP TABLE review_changes (
    step            INTEGER NOT NULL,
    class_set       INTEGER NOT NULL,  -- of all changes of a step
    image_id        INTEGER NOT NULL,
    old_label       TEXT,
    old_boxes       TEXT,
    old_verified_at TEXT,
    old_source      TEXT,
    new_label       TEXT,
    new_boxes       TEXT,
    new_verified_at TEXT,
    new_source      TEXT,
    PRIMARY KEY (step, image_id)
  ) WITHOUT ROWID;
  CREATE TEMP TABLE accepted_classes (class INTEGER PRIMARY KEY, label TEXT NOT NULL);
  CREATE TEMP TABLE read_reviews (image_id INTEGER PRIMARY KEY, label TEXT NOT NULL, boxes TEXT);`;

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
  readonly #putReady: Statement<[number, string, string | null]>;
  readonly #takeIn: Statement<[object]>;
  readonly #countKept: Statement<[{ runId: number; source: string }], number>;

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
    const kept = 'reviews.boxes';
    this.#record = {
      accept: prepareRecord(database, `coalesce(${accepted}, '')`, kept, `AND results.status = 'ok'`),
      acceptBoxes: prepareRecord(
        database,
        `CASE WHEN ${kept} IS NULL THEN coalesce(${ACCEPTED_LABEL}, '') ELSE ${FIRST_LABEL} END`,
        `coalesce(${kept}, ${ACCEPTED_BOXES})`,
        `AND results.status = 'ok'`,
      ),
      label: prepareRecord(database, ':label', kept, ''),
      boxes: prepareRecord(database, ':label', ':boxes', ''),
      clear: prepareRecord(database, 'NULL', 'NULL', ''),
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
    this.#putReady = database.prepare(
      'INSERT OR REPLACE INTO read_reviews (image_id, label, boxes) VALUES (?, ?, ?)',
    );
    this.#takeIn = database.prepare(`
      INSERT INTO review_changes
        (step, class_set, image_id, old_label, old_boxes, old_verified_at, old_source,
          new_label, new_boxes, new_verified_at, new_source)
      SELECT :step, ${CLASS_SET}, ready.image_id, reviews.label, reviews.boxes, verified_at, source,
        ready.label, ready.boxes, :verifiedAt, :source
      ${READY} AND (:replace OR ${IS_FREE})`);
    this.#countKept = database
      .prepare<[{ runId: number; source: string }], number>(`SELECT count(*) ${READY} AND NOT ${IS_FREE}`)
      .pluck();
  }

  /** One of the images that is not in the run; undefined when all are. */
  findUnknown(runId: number, imageIds: readonly number[]): number | undefined {
    return this.#unknown.get({ runId, imageIds: JSON.stringify(imageIds) });
  }

  /**
   * Changes the reviews of images of a run, in its class set, as a new step that `describe` names by the number of images
   * that it changed; nothing that was undone can be done again then. Returns the images that changed; without any there is
   * no step. Accepting passes over images without a prediction.
   */
  change(
    runId: number,
    imageIds: readonly number[],
    target: ReviewTarget,
    verifiedAt: string,
    describe: (images: number) => string,
  ): number[] {
    return this.#addStep(describe, (step) => {
      if ('classLabels' in target) this.#setAcceptedClasses(target.classLabels);
      const common = { step, runId, imageIds: JSON.stringify(imageIds), verifiedAt };
      this.#record[target.kind].run({ ...common, ...parametersOf(target) });
    });
  }

  /** Forgets what was put ready for `takeIn`. */
  clearReady(): void {
    this.#database.exec('DELETE FROM read_reviews');
  }

  /** Puts reviews from elsewhere ready for `takeIn`: of each image one, which replaces one that is ready. */
  putReady(reviews: readonly ReadReview[]): void {
    for (const { imageId, label, boxes } of reviews)
      this.#putReady.run(imageId, label, boxes === undefined ? null : JSON.stringify(boxes));
  }

  /**
   * Makes what is ready the reviews of its images in the class set of a run, as one step. What somebody else has said of an
   * image stays unless `replace` says otherwise.
   */
  takeIn(
    {
      runId,
      source,
      verifiedAt,
      replace,
    }: { runId: number; source: string; verifiedAt: string; replace: boolean },
    describe: (images: number) => string,
  ): { imageIds: number[]; kept: number } {
    const place = { runId, source };
    const kept = replace ? 0 : required(this.#countKept.get(place));
    const imageIds = this.#addStep(describe, (step) => {
      this.#takeIn.run({ ...place, step, verifiedAt, replace: Number(replace) });
    });
    return { imageIds, kept };
  }

  /** A step that `record` notes the changes of, named by the number of images that it changes; without any there is none. */
  #addStep(describe: (images: number) => string, record: (step: number) => void): number[] {
    const { step } = required(this.#begin.get(''));
    record(step);
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
      .prepare(
        `DELETE FROM reviews WHERE (class_set, image_id) IN (SELECT class_set, image_id ${changes} IS NULL)`,
      )
      .run(step);
    this.#database
      .prepare(
        `INSERT OR REPLACE INTO reviews (class_set, image_id, label, boxes, verified_at, source)
        SELECT class_set, image_id, ${side}_label, ${side}_boxes, ${side}_verified_at, ${side}_source
          ${changes} IS NOT NULL`,
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

/** Reviews that are ready and say another thing than what there is. */
const READY = `FROM read_reviews AS ready
  LEFT JOIN reviews ON reviews.class_set = ${CLASS_SET} AND reviews.image_id = ready.image_id
  WHERE (ready.label IS NOT reviews.label OR ready.boxes IS NOT reviews.boxes)`;
/** Nobody else has reviewed the image. */
const IS_FREE = '(reviews.label IS NULL OR reviews.source IS :source)';

function parametersOf(target: ReviewTarget): object {
  if (target.kind === 'label') return { label: target.label };
  if (target.kind === 'acceptBoxes') return { minScore: target.minScore };
  if (target.kind !== 'boxes') return {};
  return { label: target.boxes[0]?.label ?? '', boxes: JSON.stringify(target.boxes) };
}

const ACCEPTED = `FROM detections JOIN accepted_classes USING (class)
  WHERE run_id = results.run_id AND image_id = results.image_id AND score >= :minScore`;
const ACCEPTED_LABEL = `(SELECT label ${ACCEPTED} ORDER BY number LIMIT 1)`;
/** HumanBox[] as JSON. */
const ACCEPTED_BOXES = `(SELECT json_group_array(json_object(
    'label', label, 'x', x, 'y', y, 'width', width, 'height', height,
    'detection', json_object('runId', run_id, 'number', number)) ORDER BY number) ${ACCEPTED})`;
const FIRST_LABEL = `coalesce(reviews.boxes ->> '$[0].label', '')`;

/**
 * Notes what a step changes: the images that have another label or other boxes afterwards, or a review of this person's in
 * place of one that was read from a file, each once.
 */
function prepareRecord(
  database: Database,
  label: string,
  boxes: string,
  condition: string,
): Statement<[object]> {
  return database.prepare(`
    INSERT OR IGNORE INTO review_changes
      (step, class_set, image_id, old_label, old_boxes, old_verified_at, old_source,
        new_label, new_boxes, new_verified_at)
    SELECT :step, ${CLASS_SET}, image_id, old_label, old_boxes, old_verified_at, old_source, new_label, new_boxes,
      CASE WHEN new_label IS NOT NULL THEN :verifiedAt END
    FROM (
      SELECT results.image_id, reviews.label AS old_label, reviews.boxes AS old_boxes,
        reviews.verified_at AS old_verified_at, reviews.source AS old_source, ${label} AS new_label, ${boxes} AS new_boxes
      FROM json_each(:imageIds) AS wanted
        CROSS JOIN results ON results.run_id = :runId AND results.image_id = wanted.value
        ${REVIEW_JOIN}
      WHERE true ${condition})
    WHERE new_label IS NOT old_label OR new_boxes IS NOT old_boxes OR old_source IS NOT NULL`);
}

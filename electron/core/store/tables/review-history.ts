import type { Database, Statement } from 'better-sqlite3';
import type { HumanBox } from '../../../shared/api/review.ts';
import { CLASS_SET, REVIEW_JOIN } from '../lists/result-filter.ts';
import { required } from '../row.ts';
import { sumOf } from '../sums.ts';

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

/** Reviews from elsewhere that are being put ready; see ReviewHistory.beginTakingIn. */
export interface TakeIn {
  step: number;
  classSet: number;
  source: string;
  verifiedAt: string; // ISO 8601
  replace: boolean;
}

/** What an image has been said to be; null where there is no review. */
interface Given {
  label: string | null;
  boxes: string | null;
  verifiedAt: string | null;
  source: string | null;
  sum: number | null;
}

interface Step {
  step: number;
  description: string;
}

/**
 * All that is old, or new, is NULL where an image had, or has then, no review; a source also where the review was given here.
 * A sum is that of the row of `reviews`; NULL where it is computed when that is written.
 */
const TABLES = `
  CREATE TEMP TABLE review_steps (
    step        INTEGER PRIMARY KEY,
    description TEXT    NOT NULL,
    position    INTEGER,               -- in the order of undo; NULL while the step is being put ready
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
    old_sum         INTEGER,
    new_label       TEXT,
    new_boxes       TEXT,
    new_verified_at TEXT,
    new_source      TEXT,
    new_sum         INTEGER,
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
  readonly #complete: Statement<[string, number]>;
  readonly #record: Record<ReviewTarget['kind'], Statement<[object]>>;
  readonly #unknown: Statement<[{ runId: number; imageIds: string }], number>;
  readonly #lastDone: Statement<[], Step>;
  readonly #firstUndone: Statement<[], Step>;
  readonly #setUndone: Statement<[number, number]>;
  readonly #imageIds: Statement<[number], number>;
  readonly #classSet: Statement<[{ runId: number }], number>;
  readonly #saidSince: Statement<[number, number]>;
  readonly #putReady: Statement<[object]>;
  readonly #given: Statement<[number, number], Given>;
  readonly #overtaken: Statement<[number], number>;
  readonly #write: Record<'old' | 'new', Statement<[number]>>;

  constructor(database: Database) {
    database.exec(TABLES);
    this.#database = database;
    this.#begin = database.prepare('INSERT INTO review_steps (description) VALUES (?) RETURNING step');
    const last = '(SELECT coalesce(max(position), 0) FROM review_steps)';
    this.#complete = database.prepare(
      `UPDATE review_steps SET description = ?, position = ${last} + 1 WHERE step = ?`,
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
    this.#lastDone = database.prepare(
      `${columns} WHERE NOT undone AND position IS NOT NULL ORDER BY position DESC LIMIT 1`,
    );
    this.#firstUndone = database.prepare(`${columns} WHERE undone ORDER BY position LIMIT 1`);
    this.#setUndone = database.prepare('UPDATE review_steps SET undone = ? WHERE step = ?');
    this.#imageIds = database
      .prepare<[number], number>('SELECT image_id FROM review_changes WHERE step = ? ORDER BY image_id')
      .pluck();
    this.#classSet = database.prepare<[{ runId: number }], number>(`SELECT ${CLASS_SET}`).pluck();
    this.#given = database.prepare(
      `SELECT label, boxes, verified_at AS verifiedAt, source, sum FROM reviews WHERE class_set = ? AND image_id = ?`,
    );
    this.#saidSince = database.prepare(`
      SELECT 1 FROM review_steps AS later CROSS JOIN review_changes AS said ON said.step = later.step
      WHERE later.step > ? AND image_id = ?`);
    this.#putReady = database.prepare(`
      INSERT INTO review_changes
        (step, class_set, image_id, old_label, old_boxes, old_verified_at, old_source, old_sum,
          new_label, new_boxes, new_verified_at, new_source, new_sum)
      VALUES (:step, :classSet, :imageId, :oldLabel, :oldBoxes, :oldVerifiedAt, :oldSource, :oldSum,
        :label, :boxes, :verifiedAt, :source, ${sumOf(database, 'reviews', (column) => PARAMETERS[column] ?? 'NULL')})`);
    this.#overtaken = database
      .prepare<[number], number>(
        `SELECT image_id FROM review_changes LEFT JOIN reviews USING (class_set, image_id)
        WHERE step = ? AND (reviews.label IS NOT old_label OR reviews.boxes IS NOT old_boxes
          OR reviews.verified_at IS NOT old_verified_at OR reviews.source IS NOT old_source
          OR NOT EXISTS (SELECT 1 FROM images WHERE id = image_id))`,
      )
      .pluck();
    this.#write = { old: prepareWrite(database, 'old'), new: prepareWrite(database, 'new') };
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

  /**
   * Begins to take in reviews from elsewhere, in the class set of a run, as one step that is nothing to anybody before
   * `takeIn`. In between reviews may be written, each in a transaction of its own, and stay. What somebody else has said of an
   * image before stays too unless `replace` says otherwise.
   */
  beginTakingIn(runId: number, given: { source: string; verifiedAt: string; replace: boolean }): TakeIn {
    const { step } = required(this.#begin.get(''));
    return { ...given, step, classSet: required(this.#classSet.get({ runId })) };
  }

  /** Puts reviews ready, of each image one. Returns how many images keep what somebody else has said. */
  putReady({ replace, ...place }: TakeIn, reviews: readonly ReadReview[]): number {
    let kept = 0;
    for (const { imageId, label, ...review } of reviews) {
      const boxes = review.boxes === undefined ? null : JSON.stringify(review.boxes);
      const old = this.#given.get(place.classSet, imageId) ?? NO_REVIEW;
      if (old.label === label && old.boxes === boxes) continue;
      const mayReplace = replace && this.#saidSince.get(place.step, imageId) === undefined;
      if (old.label === null || old.source === place.source || mayReplace)
        this.#putReady.run({ ...place, imageId, label, boxes, ...oldParameters(old) });
      else kept++;
    }
    return kept;
  }

  /**
   * Makes what is ready the reviews of its images. What was said of an image since it was put ready stays. Returns the images
   * that changed, and how many were left so.
   */
  takeIn({ step }: TakeIn, describe: (images: number) => string): { imageIds: number[]; overtaken: number } {
    const overtaken = this.#overtaken.all(step);
    if (overtaken.length > 0)
      this.#database
        .prepare('DELETE FROM review_changes WHERE step = ? AND image_id IN (SELECT value FROM json_each(?))')
        .run(step, JSON.stringify(overtaken));
    return { imageIds: this.#completeStep(step, describe), overtaken: overtaken.length };
  }

  /** Forgets what was put ready; does nothing after `takeIn`. */
  forgetReady({ step }: TakeIn): void {
    this.#drop(`step = ${step} AND position IS NULL`);
  }

  /** A step that `record` notes the changes of, named by the number of images that it changes; without any there is none. */
  #addStep(describe: (images: number) => string, record: (step: number) => void): number[] {
    const { step } = required(this.#begin.get(''));
    record(step);
    return this.#completeStep(step, describe);
  }

  #completeStep(step: number, describe: (images: number) => string): number[] {
    const changed = this.#imageIds.all(step);
    if (changed.length === 0) {
      this.#drop(`step = ${step}`);
      return changed;
    }
    this.#complete.run(describe(changed.length), step);
    this.#drop('undone');
    this.#apply(step, 'new');
    return changed;
  }

  /** Forgets steps, and so what they changed. */
  #drop(which: string): void {
    this.#database.exec(`
      DELETE FROM review_changes WHERE step IN (SELECT step FROM review_steps WHERE ${which});
      DELETE FROM review_steps WHERE ${which};`);
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
      DELETE FROM review_steps WHERE position IS NOT NULL AND step NOT IN (SELECT step FROM review_changes);`);
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
    this.#write[side].run(step);
  }

  #setAcceptedClasses(labels: readonly string[]): void {
    this.#database.exec('DELETE FROM accepted_classes');
    this.#database
      .prepare('INSERT INTO accepted_classes (class, label) SELECT key, value FROM json_each(?)')
      .run(JSON.stringify(labels));
  }
}

/** A review that is put ready, as parameters, by the column of `reviews`. */
const PARAMETERS: Record<string, string> = {
  class_set: ':classSet',
  image_id: ':imageId',
  label: ':label',
  verified_at: ':verifiedAt',
  boxes: ':boxes',
  source: ':source',
};

const NO_REVIEW: Given = { label: null, boxes: null, verifiedAt: null, source: null, sum: null };

const oldParameters = ({ label, boxes, verifiedAt, source, sum }: Given) => ({
  oldLabel: label,
  oldBoxes: boxes,
  oldVerifiedAt: verifiedAt,
  oldSource: source,
  oldSum: sum,
});

/** Writes the reviews of a step that are some then, with their checksums: a second writing of each row would take as long. */
function prepareWrite(database: Database, side: 'old' | 'new'): Statement<[number]> {
  const sum = sumOf(database, 'reviews', (column) =>
    column === 'class_set' || column === 'image_id' ? column : `${side}_${column}`,
  );
  const values = ['label', 'boxes', 'verified_at', 'source'].map((column) => `${side}_${column}`);
  return database.prepare(`
    INSERT OR REPLACE INTO reviews (class_set, image_id, label, boxes, verified_at, source, sum)
    SELECT class_set, image_id, ${values.join(', ')}, coalesce(${side}_sum, ${sum})
    FROM review_changes WHERE step = ? AND ${side}_label IS NOT NULL`);
}

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
      (step, class_set, image_id, old_label, old_boxes, old_verified_at, old_source, old_sum,
        new_label, new_boxes, new_verified_at)
    SELECT :step, ${CLASS_SET}, image_id, old_label, old_boxes, old_verified_at, old_source, old_sum,
      new_label, new_boxes,
      CASE WHEN new_label IS NOT NULL THEN :verifiedAt END
    FROM (
      SELECT results.image_id, reviews.label AS old_label, reviews.boxes AS old_boxes,
        reviews.verified_at AS old_verified_at, reviews.source AS old_source, reviews.sum AS old_sum,
        ${label} AS new_label, ${boxes} AS new_boxes
      FROM json_each(:imageIds) AS wanted
        CROSS JOIN results ON results.run_id = :runId AND results.image_id = wanted.value
        ${REVIEW_JOIN}
      WHERE true ${condition})
    WHERE new_label IS NOT old_label OR new_boxes IS NOT old_boxes OR old_source IS NOT NULL`);
}

import Database from 'better-sqlite3';
import type { Statement } from 'better-sqlite3';
import type { Label, Task } from '../../shared/model-package.ts';
import type { Size } from '../../shared/resized-size.ts';
import type { Skipped, SkipReason } from '../../shared/label-skips.ts';
import { required } from '../store/row.ts';
import type { LabelledBox, LabelledImage, LabelSink } from './label-format.ts';
import { SkipCounts } from './skip-counts.ts';
import { STAGING_TABLES } from './staging-tables.ts';
import type { Entry, StagedBox, StagedClass, StagedLabel } from './staging-tables.ts';

/**
 * What was read of a file of labels, in a database of its own in a temporary folder: entries, labels and boxes come in any
 * order and any number, and are asked for image by image. Nothing in it outlives the import.
 */
export class Staging implements LabelSink {
  readonly skips = new SkipCounts();
  readonly notices: string[] = [];
  readonly #database: Database.Database;
  readonly #addEntry: Statement;
  readonly #amendEntry: Statement;
  readonly #addClass: Statement;
  readonly #addLabel: Statement;
  readonly #addBox: Statement;
  #task: Task | undefined;
  #classes = 0;

  /** At a path where nothing is, or where another thread has put one. */
  constructor(path: string) {
    this.#database = new Database(path);
    this.#database.exec(
      'PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -65536',
    );
    const isNew = this.#database.prepare('SELECT 1 FROM sqlite_schema').get() === undefined;
    if (isNew) this.#database.exec(STAGING_TABLES);
    this.#addEntry = this.#database.prepare(
      `INSERT INTO entries (key, name, is_stem, width, height, failure, origin) VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (key) DO NOTHING`,
    );
    this.#amendEntry = this.#database.prepare(
      `UPDATE entries SET width = coalesce(width, :width), height = coalesce(height, :height),
        failure = CASE WHEN :hasFailed THEN failure END
      WHERE key = :key AND (width IS NULL AND :width > 0 OR failure IS NOT NULL AND NOT :hasFailed)`,
    );
    this.#addClass = this.#database.prepare(
      `INSERT INTO classes (id, name, number, sequence, of_finder) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO NOTHING`,
    );
    this.#addLabel = this.#database.prepare(
      'INSERT INTO labels (key, class, score, origin) VALUES (?, ?, ?, ?)',
    );
    this.#addBox = this.#database.prepare(
      `INSERT INTO boxes (key, class, score, x, y, width, height, is_share, mask, finder, origin)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
  }

  /** Lets a reader write, in one transaction. */
  begin(): void {
    this.#database.exec('BEGIN');
  }

  /** Makes what was written ready to be asked for. */
  finish(): void {
    this.#database.exec(`COMMIT;
      CREATE INDEX labels_by_key ON labels (key);
      CREATE INDEX boxes_by_key ON boxes (key);`);
  }

  close(): void {
    this.#database.close();
  }

  task(task: Task): void {
    this.#task = task;
  }

  class(id: string, name: string, number?: number): void {
    this.#putClass(id, name, number ?? null, 0);
  }

  finderClass(id: string, name: string): void {
    this.#putClass(id, name, null, 1);
  }

  #putClass(id: string, name: string, number: number | null, ofFinder: 0 | 1): void {
    const { changes } = this.#addClass.run(id, name, number, this.#classes, ofFinder);
    if (changes > 0) this.#classes++;
  }

  findsFirst(name: string | undefined): void {
    if (this.#stages !== undefined && (this.#stages.finder ?? name) === this.#stages.finder) return;
    this.#stages = { finder: name };
    this.#database.exec('DELETE FROM stages');
    this.#database.prepare('INSERT INTO stages (finder) VALUES (?)').run(name ?? null);
  }

  showsFrom(score: number): void {
    this.#database.exec('DELETE FROM shown_score');
    this.#database.prepare('INSERT INTO shown_score (score) VALUES (?)').run(score);
  }

  /** The score from which on boxes count as found, where the file states it. */
  get shownScore(): number | undefined {
    return this.#database.prepare<[], number>('SELECT score FROM shown_score').pluck().get();
  }

  #stages: { finder: string | undefined } | undefined; // what is known of them while a reader writes

  /** Whether boxes were found first and then labelled, and by whom they were found where the file says so. */
  get stages(): { finder: string | undefined } | undefined {
    const row = this.#database.prepare<[], { finder: string | null }>('SELECT finder FROM stages').get();
    return row && { finder: row.finder ?? undefined };
  }

  image({ key, name, isStem, size, failure }: LabelledImage, where: string, mayRepeat = false): void {
    const { width = null, height = null } = size ?? {};
    const added = this.#addEntry.run(
      key,
      name,
      Number(isStem === true),
      width,
      height,
      failure ?? null,
      where,
    );
    if (added.changes > 0) return;
    // What is found out later holds: a size, and that the other tool could do it after all.
    this.#amendEntry.run({ key, width, height, hasFailed: Number(failure !== undefined) });
    if (mayRepeat) return;
    const joins = key === name && failure === undefined; // its labels and boxes are those of the first
    this.skip(joins ? 'again' : 'twice', where);
  }

  label(
    { key, classId, score }: { key: string; classId: string; score?: number | undefined },
    where: string,
  ): void {
    this.#addLabel.run(key, classId, score ?? null, where);
  }

  box({ key, classId, score, box, isShare, mask, finder }: LabelledBox, where: string): void {
    const sides = [box?.x, box?.y, box?.width, box?.height].map((side) => side ?? null);
    const shape = mask === undefined ? null : JSON.stringify(mask);
    const found = finder === undefined ? null : JSON.stringify(finder);
    this.#addBox.run(key, classId, score ?? null, ...sides, Number(isShare), shape, found, where);
  }

  skip(reason: SkipReason, where: string): void {
    this.skips.add(reason, where);
  }

  notice(sentence: string): void {
    if (!this.notices.includes(sentence)) this.notices.push(sentence);
  }

  /** Keeps what was left out, for whoever opens the database next. */
  keepSkips(): void {
    const put = this.#database.prepare<[string, number, string]>(
      'INSERT INTO skips (reason, count, example) VALUES (?, ?, ?)',
    );
    for (const { reason, count, example } of this.skips.all()) put.run(reason, count, example);
  }

  /** Takes up what was kept so, and what the content was found to be. */
  takeSkips(found: Task): void {
    this.#task = found;
    for (const skipped of this.#database
      .prepare<[], Skipped>('SELECT reason, count, example FROM skips')
      .all())
      this.skips.put(skipped);
  }

  /** Keeps the classes of a run to be. */
  putClasses(labels: readonly Label[]): void {
    const put = this.#database.prepare<[string]>('INSERT INTO run_classes (label) VALUES (?)');
    for (const label of labels) put.run(JSON.stringify(label));
  }

  /** The classes that were kept so. */
  runClasses(): Label[] {
    const labels = this.#database
      .prepare<[], string>('SELECT label FROM run_classes ORDER BY rowid')
      .pluck()
      .all();
    return labels.map((label) => JSON.parse(label) as Label);
  }

  /** What models of the kind of the content do. */
  get found(): Task {
    return this.#task ?? (this.#count('boxes') > 0 ? 'detection' : 'classification');
  }

  get entries(): number {
    return this.#count('entries');
  }

  /** Whether some entry names its image without the extension. */
  hasStems(): boolean {
    return this.#database.prepare('SELECT 1 FROM entries WHERE is_stem LIMIT 1').get() !== undefined;
  }

  /** Entries behind one, in the order of the file. */
  page(afterId: number, limit: number): Entry[] {
    return this.#database
      .prepare<[number, number], Entry>(
        `SELECT id, key, name, is_stem AS isStem, width, height, failure, origin, image_id AS imageId
        FROM entries WHERE id > ? ORDER BY id LIMIT ?`,
      )
      .all(afterId, limit);
  }

  /** Every entry, in the order of the file. */
  *all(): Generator<Entry> {
    const size = 5000;
    let last = 0;
    for (;;) {
      const entries = this.page(last, size);
      yield* entries;
      if (entries.length < size) return;
      last = entries.at(-1)?.id ?? 0;
    }
  }

  /** Gives entries their images, each of which one entry has. */
  setImages(found: Iterable<readonly [entryId: number, imageId: number]>): void {
    const set = this.#database.prepare<[number, number]>('UPDATE entries SET image_id = ? WHERE id = ?');
    this.#database.exec('BEGIN');
    for (const [entryId, imageId] of found) set.run(imageId, entryId);
    this.#database.exec('COMMIT');
  }

  labelsOf(key: string): StagedLabel[] {
    this.#hasLabels ??= this.#database.prepare('SELECT 1 FROM labels LIMIT 1').get() !== undefined;
    if (!this.#hasLabels) return [];
    this.#labelsOf ??= this.#database.prepare(
      'SELECT class AS classId, score, origin FROM labels WHERE key = ? ORDER BY rowid',
    );
    return this.#labelsOf.all(key);
  }

  boxesOf(key: string): StagedBox[] {
    this.#boxesOf ??= this.#database.prepare(
      `SELECT class AS classId, score, x, y, width, height, is_share AS isShare, mask, finder, origin
      FROM boxes WHERE key = ? ORDER BY rowid`,
    );
    return this.#boxesOf.all(key);
  }

  #hasLabels: boolean | undefined; // asked for once all is read
  #labelsOf: Statement<[string], StagedLabel> | undefined;
  #boxesOf: Statement<[string], StagedBox> | undefined;

  /** Where labels and boxes stand whose image no entry is about: how many, and the first of them. */
  strays(): { count: number; origin: string } | undefined {
    const missing = 'WHERE NOT EXISTS (SELECT 1 FROM entries WHERE entries.key = stray.key)';
    const counts = (['boxes', 'labels'] as const).map((table) =>
      required(
        this.#database
          .prepare<[], { count: number; origin: string | null }>(
            `SELECT count(*) AS count, min(origin) AS origin FROM ${table} AS stray ${missing}`,
          )
          .get(),
      ),
    );
    const count = counts.reduce((sum, one) => sum + one.count, 0);
    const origin = counts.find((one) => one.origin !== null)?.origin;
    return count === 0 ? undefined : { count, origin: origin ?? '' };
  }

  /**
   * The classes of labels in the order in which they came. Where boxes were found first, those of the finder that are labels
   * of boxes too come behind the classifier's.
   */
  classes(): StagedClass[] {
    const isLabel = `NOT of_finder OR NOT EXISTS (SELECT 1 FROM stages) OR id IN (SELECT class FROM boxes)`;
    const order = `CASE WHEN EXISTS (SELECT 1 FROM stages) THEN of_finder END, sequence`;
    return this.#database
      .prepare<[], StagedClass>(
        `SELECT id, name, number, coalesce(amount, 0) AS amount FROM classes
          LEFT JOIN (SELECT class, count(*) AS amount FROM
            (SELECT class FROM labels UNION ALL SELECT class FROM boxes) GROUP BY class) ON class = id
        WHERE ${isLabel} ORDER BY ${order}`,
      )
      .all();
  }

  /** Whether some label is the pixels of something. */
  hasMasks(): boolean {
    return this.#database.prepare('SELECT 1 FROM boxes WHERE mask IS NOT NULL LIMIT 1').get() !== undefined;
  }

  /** What the finder calls its classes, in order; `isKept`: whether it stayed the label of a box. */
  finderClasses(): { id: string; name: string; isKept: 0 | 1 }[] {
    const kept = `SELECT coalesce(json_extract(finder, '$.classId'), class) FROM boxes
      WHERE json_extract(finder, '$.labelScore') IS NULL`;
    return this.#database
      .prepare<[], { id: string; name: string; isKept: 0 | 1 }>(
        `SELECT id, name, id IN (${kept}) AS isKept FROM classes WHERE of_finder ORDER BY sequence`,
      )
      .all();
  }

  /** Notes the sizes of pictures, undefined of those that have none. */
  setSizes(sizes: Iterable<readonly [imageId: number, size: Size | undefined]>): void {
    const set = this.#database.prepare<[number, number | null, number | null]>(
      'INSERT OR REPLACE INTO sizes (image_id, width, height) VALUES (?, ?, ?)',
    );
    this.#database.exec('BEGIN');
    for (const [imageId, size] of sizes) set.run(imageId, size?.width ?? null, size?.height ?? null);
    this.#database.exec('COMMIT');
  }

  sizeOf(imageId: number): Size | undefined {
    this.#sizeOf ??= this.#database.prepare(
      'SELECT width, height FROM sizes WHERE image_id = ? AND width > 0',
    );
    return this.#sizeOf.get(imageId);
  }

  #sizeOf: Statement<[number], Size> | undefined;

  /** Keeps what becomes of images, as JSON. The caller begins and commits. */
  putOutcome(imageId: number, outcome: unknown): void {
    this.#putOutcome ??= this.#database.prepare('INSERT INTO outcomes (image_id, outcome) VALUES (?, ?)');
    this.#putOutcome.run(imageId, JSON.stringify(outcome));
  }

  #putOutcome: Statement<[number, string]> | undefined;

  commit(): void {
    this.#database.exec('COMMIT');
  }

  /** What becomes of images, behind one, in order of their ids. */
  outcomes(afterImageId: number, limit: number): { imageId: number; outcome: unknown }[] {
    const rows = this.#database
      .prepare<[number, number], { imageId: number; outcome: string }>(
        'SELECT image_id AS imageId, outcome FROM outcomes WHERE image_id > ? ORDER BY image_id LIMIT ?',
      )
      .all(afterImageId, limit);
    return rows.map(({ imageId, outcome }) => ({ imageId, outcome: JSON.parse(outcome) as unknown }));
  }

  #count(table: 'entries' | 'boxes'): number {
    return required(this.#database.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get());
  }
}

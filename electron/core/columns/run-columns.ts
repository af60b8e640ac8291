import { IdSet } from '../../shared/id-set.ts';
import { blocksOfCode, classOfCode, STATUSES, statusOfCode } from '../store/column-reads.ts';
import type { ColumnReads, Directory } from '../store/column-reads.ts';
import { NOTHING } from '../store/result-filter.ts';
import { PathTexts } from './path-texts.ts';
import { RunChanged } from './run-changed.ts';
import { splitTexts } from './row-texts.ts';
import type { RowTexts } from './row-texts.ts';

/** In place of a class: there is no prediction. */
export const NO_CLASS = NOTHING - 1;

const OK = STATUSES.indexOf('ok');

/** Where the images of a run lie: the number of each row's directory in the list; -1 where none is known. */
interface RowDirectories {
  list: readonly Directory[];
  ofRow: Int32Array;
}

/**
 * What filters, sorts and facets look at, of all results of a run: one array per column, by row. A row is an image; rows lie in
 * order of the images' ids. Columns are read when they are first asked for and kept until `update` or `drop`.
 */
export class RunColumns {
  readonly runId: number;
  readonly classSet: number | undefined;
  readonly ids: Uint32Array;
  readonly status: Uint8Array; // places in STATUSES
  readonly classes: Int32Array; // of the best one, whatever its score; -1 without
  readonly blocks: Int32Array; // scan directions that ran; -1 without
  readonly confidence: Float64Array; // of the best class; NaN without
  /** What people said of each row: a place in `labels`, -1 without a review. */
  readonly review: Int32Array;
  readonly labels: string[] = [];
  readonly #reads: ColumnReads;
  readonly #rows: Int32Array; // by image id; -1 where it is not in the run
  readonly #labelPlaces = new Map<string, number>();
  #warned: IdSet | undefined; // images
  #second: Float64Array | undefined;
  #captured: RowTexts | undefined;
  #byPath: Uint32Array | undefined;
  #paths: PathTexts | undefined;
  #directories: RowDirectories | undefined;

  constructor(reads: ColumnReads, runId: number) {
    this.runId = runId;
    this.#reads = reads;
    this.classSet = reads.classSet(runId);
    this.ids = reads.ids(runId);
    const { length } = this.ids;
    this.#rows = new Int32Array((this.ids.at(-1) ?? 0) + 1).fill(-1);
    this.ids.forEach((imageId, row) => (this.#rows[imageId] = row));
    this.status = new Uint8Array(length);
    this.classes = new Int32Array(length);
    this.blocks = new Int32Array(length);
    reads.codes(runId).forEach((code, row) => this.#setCode(row, code));
    this.confidence = reads.confidences(runId);
    this.review = new Int32Array(length).fill(-1);
    this.#readReviews();
  }

  get length(): number {
    return this.ids.length;
  }

  /** The row of an image; -1 when it is not in the run. */
  rowOf(imageId: number): number {
    return this.#rows[imageId] ?? -1;
  }

  /** The best class of a row at a least score, as `bestClass` of store/result-filter.ts; NO_CLASS where that is NULL. */
  bestClass(row: number, minScore: number): number {
    if ((this.confidence[row] ?? NaN) >= minScore) return this.classes[row] ?? NO_CLASS;
    return this.status[row] === OK ? NOTHING : NO_CLASS;
  }

  isPredicted(row: number): boolean {
    return this.status[row] === OK;
  }

  /** Whether the result of a row is to be taken with care. */
  isWarned(row: number): boolean {
    return (this.#warned ??= new IdSet(this.#reads.warned(this.runId))).has(this.ids[row] ?? 0);
  }

  /** What a person said of a row; undefined without a review. */
  labelOf(row: number): string | undefined {
    return this.labels[this.review[row] ?? -1];
  }

  /** Confidence of the second best class; NaN without. */
  get second(): Float64Array {
    return (this.#second ??= this.#aligned(this.#reads.seconds(this.runId)));
  }

  /** When each picture was taken; empty where that is not known. */
  get captured(): RowTexts {
    return (this.#captured ??= splitTexts(this.#reads.captured(this.runId), this.length));
  }

  get paths(): PathTexts {
    return (this.#paths ??= new PathTexts(splitTexts(this.#reads.paths(this.runId), this.length)));
  }

  /** All rows, in order of their paths. */
  get byPath(): Uint32Array {
    return (this.#byPath ??= this.#orderByPath());
  }

  get directories(): RowDirectories {
    this.#directories ??= this.#readDirectories();
    return this.#directories;
  }

  /** Reads results of these images anew; false when some came or went, so that all is to be read anew. */
  updateResults(imageIds: readonly number[]): boolean {
    const values = this.#reads.values(this.runId, imageIds);
    const known = imageIds.filter((imageId) => this.rowOf(imageId) >= 0).length;
    if (values.length !== known || values.some(({ imageId }) => this.rowOf(imageId) < 0)) return false;
    this.#warned = undefined;
    for (const { imageId, code, confidence, second } of values) {
      const row = this.rowOf(imageId);
      this.#setCode(row, code);
      this.confidence[row] = confidence ?? NaN;
      if (this.#second !== undefined) this.#second[row] = second ?? NaN;
    }
    return true;
  }

  /** Reads the reviews of these images anew, or all of them. */
  updateReviews(imageIds: readonly number[] | undefined): void {
    if (imageIds === undefined) {
      this.review.fill(-1);
      this.#readReviews();
      return;
    }
    for (const imageId of imageIds) this.#setReview(imageId, undefined);
    for (const { imageId, label } of this.#reads.reviewsOf(this.runId, imageIds))
      this.#setReview(imageId, label);
  }

  /** Times of pictures have changed: they are read when they are asked for again. */
  dropCaptured(): void {
    this.#captured = undefined;
  }

  #readReviews(): void {
    const { imageIds, labels } = this.#reads.reviews(this.runId);
    imageIds.forEach((imageId, index) => this.#setReview(imageId, labels[index]));
  }

  #setReview(imageId: number, label: string | undefined): void {
    const row = this.rowOf(imageId);
    if (row >= 0) this.review[row] = label === undefined ? -1 : this.#placeOf(label);
  }

  #placeOf(label: string): number {
    let place = this.#labelPlaces.get(label);
    if (place === undefined) {
      place = this.labels.push(label) - 1;
      this.#labelPlaces.set(label, place);
    }
    return place;
  }

  #setCode(row: number, code: number): void {
    this.status[row] = statusOfCode(code);
    this.classes[row] = classOfCode(code);
    this.blocks[row] = blocksOfCode(code);
  }

  #orderByPath(): Uint32Array {
    const rows = new Uint32Array(this.length);
    let count = 0;
    for (const imageIds of this.#reads.pathOrder(this.runId)) {
      for (const imageId of imageIds) {
        const row = this.rowOf(imageId);
        if (row >= 0) rows[count++] = row;
      }
    }
    return rows.subarray(0, count);
  }

  #readDirectories(): RowDirectories {
    const list = this.#reads.directories(this.runId);
    const places = new Map(list.map(({ id }, place) => [id, place]));
    const ofRow = new Int32Array(this.length).fill(-1);
    const { imageIds, sizes } = this.#reads.byDirectory(list[0]?.id ?? 0, list.at(-1)?.id ?? -1);
    let next = 0;
    for (const { directoryId, images } of sizes) {
      const place = places.get(directoryId) ?? -1;
      for (const end = next + images; next < end; next++) {
        const row = this.rowOf(imageIds[next] ?? 0);
        if (row >= 0) ofRow[row] = place;
      }
    }
    return { list, ofRow };
  }

  /** A column of as many rows as there are; another number would mean that the run changed without a word. */
  #aligned<Column extends { readonly length: number }>(column: Column): Column {
    if (column.length === this.length) return column;
    throw new RunChanged(`Run ${this.runId} has ${column.length} rows, but ${this.length} were read before`);
  }
}

import { IdSet } from '../../shared/id-set.ts';
import { blocksOfCode, classOfCode, STATUSES, statusOfCode } from '../store/lists/column-reads.ts';
import type { ColumnReads, Directory } from '../store/lists/column-reads.ts';
import { NOTHING } from '../store/lists/result-filter.ts';
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

/** The best class of each row, whatever its score, and what it cost. */
interface RowCodes {
  status: Uint8Array; // indices in STATUSES
  classes: Int32Array; // -1 without
  blocks: Int32Array; // scan directions that ran; -1 without
}

/** What people said of each row: an index in `labels`, -1 without a review. */
interface RowReviews {
  ofRow: Int32Array;
  labels: string[];
  indices: Map<string, number>;
}

/** What is read by itself, in the order in which a window asks for it. */
export const COLUMN_PARTS = [
  ...(['ids', 'status', 'confidence', 'review', 'directories'] as const),
  ...(['byPath', 'paths', 'second', 'captured'] as const),
];
export type ColumnPart = (typeof COLUMN_PARTS)[number];

/**
 * What filters, sorts and facets look at, of all results of a run: one array per column, by row. A row is an image; rows lie
 * in order of the images' ids. Columns are read when they are first asked for and kept until `update` or `drop`.
 */
export class RunColumns {
  readonly runId: number;
  readonly classSet: number | undefined;
  readonly #reads: ColumnReads;
  #ids: Uint32Array | undefined;
  #rows: Int32Array | undefined; // by image id; -1 where it is not in the run
  #codes: RowCodes | undefined;
  #confidence: Float64Array | undefined;
  #reviews: RowReviews | undefined;
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
  }

  /** A part, read if it was not read before. */
  read(part: ColumnPart): object {
    return this[part];
  }

  get ids(): Uint32Array {
    return (this.#ids ??= this.#reads.ids(this.runId));
  }

  get length(): number {
    return this.ids.length;
  }

  /** How many images the run has; `length` without reading them. */
  get total(): number {
    return this.#ids?.length ?? this.#reads.total(this.runId);
  }

  get status(): Uint8Array {
    return this.#ofCodes.status;
  }

  get classes(): Int32Array {
    return this.#ofCodes.classes;
  }

  get blocks(): Int32Array {
    return this.#ofCodes.blocks;
  }

  /** Confidence of the best class; NaN without. */
  get confidence(): Float64Array {
    return (this.#confidence ??= this.#aligned(this.#reads.confidences(this.runId)));
  }

  /** What people said of each row: an index in `labels`, -1 without a review. */
  get review(): Int32Array {
    return this.#ofReviews.ofRow;
  }

  get labels(): readonly string[] {
    return this.#ofReviews.labels;
  }

  /** The row of an image; -1 when it is not in the run. */
  rowOf(imageId: number): number {
    return (this.#rows ??= indicesOf(this.ids))[imageId] ?? -1;
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

  /** All images, in order of their paths; what was read before is not needed where the run has all of its folders. */
  imagesByPath(): Uint32Array {
    const whole = this.#ids === undefined ? this.#reads.wholeByPath(this.runId) : undefined;
    return whole ?? this.byPath.map((row) => this.ids[row] ?? 0);
  }

  get directories(): RowDirectories {
    this.#directories ??= this.#readDirectories();
    return this.#directories;
  }

  /** Reads results of these images anew; false when some came or went, so that all is to be read anew. */
  updateResults(imageIds: readonly number[]): boolean {
    if (this.#ids === undefined) return false;
    const values = this.#reads.values(this.runId, imageIds);
    const known = imageIds.filter((imageId) => this.rowOf(imageId) >= 0).length;
    if (values.length !== known || values.some(({ imageId }) => this.rowOf(imageId) < 0)) return false;
    this.#warned = undefined;
    for (const { imageId, code, confidence, second } of values) {
      const row = this.rowOf(imageId);
      if (this.#codes !== undefined) setCode(this.#codes, row, code);
      if (this.#confidence !== undefined) this.#confidence[row] = confidence ?? NaN;
      if (this.#second !== undefined) this.#second[row] = second ?? NaN;
    }
    return true;
  }

  /** Reads the reviews of these images anew, or all of them. */
  updateReviews(imageIds: readonly number[] | undefined): void {
    const reviews = this.#reviews;
    if (reviews === undefined) return;
    if (imageIds === undefined) {
      this.#reviews = undefined;
      return;
    }
    for (const imageId of imageIds) this.#setReview(reviews, imageId, undefined);
    for (const { imageId, label } of this.#reads.reviewsOf(this.runId, imageIds))
      this.#setReview(reviews, imageId, label);
  }

  /** Times of pictures have changed: they are read when they are asked for again. */
  dropCaptured(): void {
    this.#captured = undefined;
  }

  get #ofCodes(): RowCodes {
    return (this.#codes ??= this.#readCodes());
  }

  get #ofReviews(): RowReviews {
    return (this.#reviews ??= this.#readReviews());
  }

  #readCodes(): RowCodes {
    const codes = {
      status: new Uint8Array(this.length),
      classes: new Int32Array(this.length),
      blocks: new Int32Array(this.length),
    };
    const read = this.#aligned(this.#reads.codes(this.runId));
    for (let row = 0; row < read.length; row++) setCode(codes, row, read[row] ?? 0);
    return codes;
  }

  #readReviews(): RowReviews {
    const reviews = { ofRow: new Int32Array(this.length).fill(-1), labels: [], indices: new Map() };
    const { imageIds, labels } = this.#reads.reviews(this.runId);
    imageIds.forEach((imageId, index) => this.#setReview(reviews, imageId, labels[index]));
    return reviews;
  }

  #setReview(reviews: RowReviews, imageId: number, label: string | undefined): void {
    const row = this.rowOf(imageId);
    if (row >= 0) reviews.ofRow[row] = label === undefined ? -1 : indexOf(reviews, label);
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
    const indices = new Map(list.map(({ id }, index) => [id, index]));
    const ofRow = new Int32Array(this.length).fill(-1);
    const { imageIds, sizes } = this.#reads.byDirectory(list[0]?.id ?? 0, list.at(-1)?.id ?? -1);
    let next = 0;
    for (const { directoryId, images } of sizes) {
      const index = indices.get(directoryId) ?? -1;
      for (const end = next + images; next < end; next++) {
        const row = this.rowOf(imageIds[next] ?? 0);
        if (row >= 0) ofRow[row] = index;
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

/** The index of each of the ids, by id; -1 for others. */
function indicesOf(ids: Uint32Array): Int32Array {
  const indices = new Int32Array((ids.at(-1) ?? 0) + 1).fill(-1);
  ids.forEach((id, index) => (indices[id] = index));
  return indices;
}

function setCode({ status, classes, blocks }: RowCodes, row: number, code: number): void {
  status[row] = statusOfCode(code);
  classes[row] = classOfCode(code);
  blocks[row] = blocksOfCode(code);
}

function indexOf({ labels, indices }: RowReviews, label: string): number {
  let index = indices.get(label);
  if (index === undefined) {
    index = labels.push(label) - 1;
    indices.set(label, index);
  }
  return index;
}

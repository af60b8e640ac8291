import type { LabelColumns, LabelPurpose } from '../../shared/api/labels.ts';
import type { Box } from '../../shared/engine-api.ts';
import type { Skipped, SkipReason } from '../../shared/label-skips.ts';
import type { Task } from '../../shared/model-package.ts';
import type { Size } from '../../shared/resized-size.ts';
import type { RunLengths } from '../evaluate/segmentation.ts';

/** A file that may be of labels, with what tells its format. */
export interface LabelFile {
  path: string; // absolute
  start: string; // the first characters
  bytes: Uint8Array; // the first bytes
}

/** A file or folder of labels that a person names. */
export interface LabelSource {
  path: string; // absolute
  /** Files below a folder, relative and with forward slashes, in order; undefined of a file. */
  files: readonly string[] | undefined;
  start: string; // the first characters of a file; '' of a folder
  bytes: Uint8Array; // its first bytes; none of a folder
  skipped?: readonly Skipped[] | undefined; // of an archive: what was not unpacked
}

/** An image as a file of labels names it. */
export interface LabelledImage {
  key: string; // by which the file's labels and boxes refer to it
  name: string; // its path or file name
  isStem?: boolean; // whether the name is without its extension
  size?: Size | undefined; // of the picture when it was marked
  failure?: string | undefined; // why the other tool found nothing out
}

/** The pixels of an object: rings of corners, or run lengths; in pixels, or as shares of the sides like its box. */
export type LabelledMask = readonly (readonly number[])[] | RunLengths;

/** A box as a file has it. Without one there is a mask, around which it lies. */
export interface LabelledBox {
  key: string; // of its image
  classId: string;
  score?: number | undefined;
  box: Box | undefined;
  isShare: boolean; // whether numbers are shares of the picture's sides, else pixels
  mask?: LabelledMask | undefined;
  finder?: FinderPart | undefined; // of a box that a second model labelled, whose class is `classId`
}

/** What a detector said of a box before a classifier labelled it. */
export interface FinderPart {
  classId: string; // of the finder's classes
  score: number | undefined;
  labelScore: number | undefined; // the classifier's; undefined where the finder's own label was kept
}

/** Takes what a reader finds, in any order. `where`: a line, an id or a name, for the sentence about what cannot be used. */
export interface LabelSink {
  /** What models of the kind of the file's content do; without it, boxes are objects and all else labels of images. */
  task(task: Task): void;
  /** What a class that labels and boxes name by an id is called. The order in which classes come is theirs. */
  class(id: string, name: string, number?: number): void;
  /** Likewise what the finder calls a class. Where no second model labels, these are classes like others. */
  finderClass(id: string, name: string): void;
  /** Says that the boxes are a finder's, and that a classifier labelled them, all or some. `name`: the finder's, if stated. */
  findsFirst(name: string | undefined): void;
  /** Says from which score on boxes count as found, 0 to 1: the finder's where there are two. */
  showsFrom(score: number): void;
  /** `mayRepeat`: whether several entries of a file may be about one image. */
  image(image: LabelledImage, where: string, mayRepeat?: boolean): void;
  label(label: { key: string; classId: string; score?: number | undefined }, where: string): void;
  box(box: LabelledBox, where: string): void;
  skip(reason: SkipReason, where: string): void;
  /** A sentence about the file as a whole. */
  notice(sentence: string): void;
}

export interface ReadOptions {
  purpose: LabelPurpose['kind'];
  columns: LabelColumns;
  /** Hears how much of the whole is read, in bytes or files; throws CANCELLED when nobody waits any more. */
  onProgress: (done: number, total: number) => void;
}

/** All that is to be known of a format of labels. A new one is a file with such a record, listed in formats.ts. */
export interface LabelFormat {
  name: string;
  about: string; // what it is, for a list
  perFile: boolean; // whether a folder has a file of it for each picture, else one file is all of it
  recognise(file: LabelFile): boolean;
  /** Throws BAD_ARGUMENT with a sentence for what is no file of the format. */
  read(source: LabelSource, sink: LabelSink, options: ReadOptions): Promise<void>;
}

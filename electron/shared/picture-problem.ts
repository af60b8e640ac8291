import { AppError } from './errors.ts';

/** Bytes of the largest file that is read: it lies in memory while its picture is decoded. */
export const LARGEST_FILE = 1024 ** 3;

/** Seconds that decoding a picture may take. */
export const LONGEST_DECODING = 120;

/**
 * Everything that can be wrong with a picture, as one sentence each. The window says it in the person's language, by the
 * message `problem.<code>`.
 */
const sentences = {
  gone: 'the file does not exist any more',
  notAllowed: 'the file may not be read',
  linkLoop: 'the link leads back to itself',
  notAFile: 'a folder, pipe or device stands where the file was',
  badName: 'the file name is not valid UTF-8',
  diskFailed: 'the disk failed while the file was read',
  unreadable: 'the file cannot be read',
  fileTooLarge: `the file is larger than ${LARGEST_FILE / 1024 ** 3} GiB, the most that Winnow reads`,
  empty: 'the file is empty',
  notAPicture: 'the file holds no picture in a format that Winnow reads',
  noPreview: 'the RAW file holds no JPEG of its picture, and Winnow does not develop RAW files',
  tooManyPixels: 'the picture has more pixels than Winnow decodes',
  tooSlow: `decoding the picture took longer than ${LONGEST_DECODING} seconds, the limit`,
  unknownKind: 'the picture is of a kind that Winnow does not decode',
  cutShort: 'the file ends before its picture does',
  damaged: 'the picture is damaged and cannot be decoded',
  wrongSize: 'the decoder gave another number of pixels than the picture has',
  decoderFailed: 'the decoder of the picture failed',
  crash: 'the image crashes the engine',
  notANumber: 'the model gave a result that is not a number',
  otherTool: 'the other tool found nothing out about the picture, for it failed',
  damagedParts: 'the picture is damaged: parts of it may be grey, blurred or out of place',
} as const;

export type PictureProblemCode = keyof typeof sentences;

export const pictureProblemCodes = Object.keys(sentences) as PictureProblemCode[];

/** Why there is no result of a picture, or why its result is to be taken with care. */
export interface PictureProblem {
  code: PictureProblemCode;
  /** What the system or the decoder said, as it came: for people who look into it. */
  details?: string | undefined;
}

/** The problem in one English sentence. */
export function problemText({ code }: PictureProblem): string {
  return sentences[code];
}

/** What the library says of a problem; undefined when there is none, and for a code of a later version. */
export function toPictureProblem(
  code: string | undefined,
  details: string | undefined,
): PictureProblem | undefined {
  const known = pictureProblemCodes.find((one) => one === code);
  return known && { code: known, details };
}

/** A problem that is thrown. */
export class PictureError extends AppError {
  readonly problem: PictureProblem;

  constructor(problem: PictureProblem, options?: ErrorOptions) {
    super('BAD_IMAGE', problemText(problem), undefined, options);
    this.problem = problem;
  }
}

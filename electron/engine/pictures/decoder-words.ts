import { PictureError } from '../../shared/picture-problem.ts';
import type { PictureProblem, PictureProblemCode } from '../../shared/picture-problem.ts';

/** What the words of libvips and its decoders mean; the first that fits. Everything else is damage. */
const meanings: [words: RegExp, code: PictureProblemCode][] = [
  [/unsupported image format/i, 'notAPicture'],
  [/timeout/i, 'tooSlow'],
  [/exceeds pixel limit/i, 'tooManyPixels'],
  [
    /channel limit|samples out of range|unsupported .*(depth|sample|compression|interpretation)/i,
    'unknownKind',
  ],
  [/premature end of JPEG|unexpected end|end of (file|stream|input)|not enough data|truncated/i, 'cutShort'],
];

/** sharp says this of a warning, and libvips the warning itself. */
const NO_REASON = 'Warning treated as error due to failOn setting';

/** Makes what a decoder throws a PictureError. */
export async function asPictureError<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof PictureError || !(error instanceof Error)) throw error;
    throw new PictureError(problemOf(error.message), { cause: error });
  }
}

/** What a decoder's message says: a line for each thing that it stumbled over, some more than once. */
export function problemOf(message: string): PictureProblem {
  const lines = [...new Set(message.split('\n').map((line) => line.trim()))];
  const details = lines.filter((line) => line !== '' && line !== NO_REASON).join('; ');
  return { code: meanings.find(([words]) => words.test(details))?.[1] ?? 'damaged', details };
}

/**
 * Bytes between the data of a JPEG and its end marker: all pixels are there, and cameras write them.
 */
export function isHarmless(details: string | undefined): boolean {
  return /^[^;]*\bextraneous bytes before marker 0xd9$/.test(details ?? '');
}

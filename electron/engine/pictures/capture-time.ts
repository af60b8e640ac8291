import { TiffDirectories } from '../formats/tiff-directory.ts';

/** When a picture was taken, as its camera's clock showed it. */
export interface CaptureTime {
  at: string; // YYYY-MM-DDTHH:MM:SS
  fraction: string | undefined; // digits of the second behind the point
  offset: string | undefined; // of the clock from UTC, +HH:MM or -HH:MM
}

const EXIF_IFD = 0x8769;
const DATE_TIME_ORIGINAL = 0x9003;
const OFFSET_TIME_ORIGINAL = 0x9011;
const SUB_SEC_TIME_ORIGINAL = 0x9291;

/** Nobody took a photograph before. */
const FIRST_YEAR = 1826;

/** Canon's RAW (CR3) keeps the EXIF directory in a box of this name, near the start of the file. */
const CR3_EXIF_BOX = 'CMT2';
const CR3_SEARCHED = 256 * 1024; // bytes

/** DateTimeOriginal in an EXIF block, or in a TIFF or a RAW file; a damaged block only costs the capture time. */
export function captureTime(bytes: Buffer | undefined): CaptureTime | undefined {
  const directories = bytes && (TiffDirectories.open(bytes) ?? cr3Exif(bytes));
  if (directories === undefined) return undefined;
  const { first } = directories;
  const [exif] = directories.numbers(first, EXIF_IFD) ?? [];
  for (const directory of exif === undefined ? [first] : [exif, first]) {
    const time = parseTime(
      directories.text(directory, DATE_TIME_ORIGINAL),
      directories.text(directory, SUB_SEC_TIME_ORIGINAL),
      directories.text(directory, OFFSET_TIME_ORIGINAL),
    );
    if (time !== undefined) return time;
  }
  return undefined;
}

/**
 * Reads `YYYY:MM:DD HH:MM:SS`, the only form that EXIF allows, and what software makes of it: with - for :, T for the
 * space, a fraction or a zone behind it, padding. A date that does not exist is none, nor is one before photography: a
 * clock that was never set.
 */
export function parseTime(
  text: string | undefined,
  subSecond?: string,
  zone?: string,
): CaptureTime | undefined {
  const match =
    /^(\d{4})[:-](\d{2})[:-](\d{2})[ T](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?([+-]\d{2}:\d{2}|Z)?(?!\d)/.exec(
      text ?? '',
    );
  if (match === null) return undefined;
  const [, year = '', month = '', day = '', hour = '', minute = '', second = '', fraction, suffix] = match;
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  const dateExists = Number(year) >= FIRST_YEAR && isWithin(month, 1, 12) && isWithin(day, 1, lastDay);
  const timeExists = isWithin(hour, 0, 23) && isWithin(minute, 0, 59) && isWithin(second, 0, 59);
  if (!dateExists || !timeExists) return undefined;
  return {
    at: `${year}-${month}-${day}T${hour}:${minute}:${second}`,
    fraction: digitsOf(subSecond) ?? fraction,
    offset: offsetOf(zone) ?? offsetOf(suffix),
  };
}

function isWithin(text: string, least: number, most: number): boolean {
  return Number(text) >= least && Number(text) <= most;
}

/** SubSecTime is text of any length, padded with spaces or zero bytes. */
function digitsOf(text: string | undefined): string | undefined {
  return /^\s*(\d+)[\s\0]*$/.exec(text ?? '')?.[1];
}

function offsetOf(text: string | undefined): string | undefined {
  const match = /^\s*(?:(Z)|([+-])(\d{2}):(\d{2}))[\s\0]*$/.exec(text ?? '');
  if (match === null) return undefined;
  const [, utc, sign = '', hours = '', minutes = ''] = match;
  if (utc !== undefined) return '+00:00';
  return isWithin(hours, 0, 14) && isWithin(minutes, 0, 59) ? `${sign}${hours}:${minutes}` : undefined;
}

/** The EXIF directory of a CR3 file, which is a TIFF of its own. */
function cr3Exif(bytes: Buffer): TiffDirectories | undefined {
  if (bytes.toString('latin1', 4, 11) !== 'ftypcrx') return undefined;
  const at = bytes.subarray(0, CR3_SEARCHED).indexOf(CR3_EXIF_BOX, 0, 'latin1');
  return at < 0 ? undefined : TiffDirectories.open(bytes.subarray(at + CR3_EXIF_BOX.length));
}

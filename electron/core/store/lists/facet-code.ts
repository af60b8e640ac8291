import type { ImageStatus } from '../../../shared/run.ts';
import { bestClass, bestConfidence, isBlank, NOTHING } from './result-filter.ts';

/** Equal bins of the confidence from 0 to 1. */
export const CONFIDENCE_BINS = 20;

/** What facets count of one image. */
export interface FacetCode {
  classIndex: number | undefined; // the model's best; NOTHING where it found nothing
  bin: number | undefined; // of its confidence
  status: ImageStatus;
  verified: boolean;
  corrected: boolean;
  blank: boolean;
  /** Whether it passes these parts of the filter. */
  inLabels: boolean;
  inConfidence: boolean;
  inStatus: boolean;
}

/** The bin of a confidence. */
export function confidenceBin(confidence: number): number {
  return Math.min(CONFIDENCE_BINS - 1, Math.floor(confidence * CONFIDENCE_BINS));
}

const STATUSES: readonly ImageStatus[] = ['pending', 'ok', 'failed'];

const NO_BIN = CONFIDENCE_BINS;

/**
 * SQL that puts all of a FacetCode into one number, since a row of one number is many times cheaper to take out of SQLite
 * than a row of nine: class - NOTHING + 1 (0 without), 5 bits of bin, 2 of status, then the six flags.
 */
export function facetCodeSql(flags: {
  corrected: string;
  labels: string;
  confidence: string;
  status: string;
}): string {
  const bin = `min(${CONFIDENCE_BINS - 1}, CAST((${bestConfidence('results')}) * ${CONFIDENCE_BINS} AS INTEGER))`;
  const status = STATUSES.map((name, index) => `WHEN '${name}' THEN ${index}`).join(' ');
  const flag = (sql: string) => `coalesce((${sql}) <> 0, 0)`;
  return `coalesce((${bestClass('results')}) + ${1 - NOTHING}, 0) * 8192 + coalesce(${bin}, ${NO_BIN}) * 256
    + CASE results.status ${status} END * 64 + ${flag(isBlank())} * 32 + (reviews.label IS NOT NULL) * 16
    + ${flag(flags.corrected)} * 8 + ${flag(flags.labels)} * 4 + ${flag(flags.confidence)} * 2
    + ${flag(flags.status)}`;
}

/** The FacetCode in a number of `facetCodeSql`. */
export function readFacetCode(code: number): FacetCode {
  const [classNumber, bin] = [Math.floor(code / 8192), (code >> 8) & 31];
  return {
    classIndex: classNumber === 0 ? undefined : classNumber - 1 + NOTHING,
    bin: bin === NO_BIN ? undefined : bin,
    status: STATUSES[(code >> 6) & 3] ?? 'pending',
    blank: (code & 32) !== 0,
    verified: (code & 16) !== 0,
    corrected: (code & 8) !== 0,
    inLabels: (code & 4) !== 0,
    inConfidence: (code & 2) !== 0,
    inStatus: (code & 1) !== 0,
  };
}

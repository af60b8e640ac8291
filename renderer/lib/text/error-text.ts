import { AppError } from '../../../electron/shared/errors.ts';
import type { ErrorCode } from '../../../electron/shared/errors.ts';
import type { Language, MessageKey, Translate } from './messages.ts';
import { saidText } from './said.ts';

/** The sentence for each error code. */
export const sentenceOfCode: Readonly<Record<ErrorCode, MessageKey>> = {
  BAD_ARGUMENT: 'error.bad-argument',
  BAD_CHECKPOINT: 'error.bad-checkpoint',
  BAD_MODEL: 'error.bad-model',
  BAD_IMAGE: 'error.bad-image',
  TOO_FEW_PICTURES: 'error.too-few-pictures',
  NOT_FOUND: 'error.not-found',
  LIBRARY: 'error.library',
  ENGINE: 'error.engine',
  OUT_OF_MEMORY: 'error.out-of-memory',
  DEVICE_LOST: 'error.device-lost',
  DIVERGED: 'error.diverged',
  NETWORK: 'error.network',
  CONNECTION: 'error.connection',
  DISK_FULL: 'error.disk-full',
  FILE_SYSTEM: 'error.file-system',
  FILE_EXISTS: 'error.file-exists',
  CANCELLED: 'error.cancelled',
};

export interface ErrorText {
  message: string;
  hint?: string | undefined;
  /** The error's own sentence and hint in English, where `message` is in another language. */
  details?: string | undefined;
}

/**
 * An error as a person reads it: in English its own sentence and hint; in another language their translation where
 * there is one, else the sentence of its code, with the English ones as details.
 */
export function errorText(error: unknown, language: Language, translate: Translate): ErrorText {
  const own = (error instanceof Error ? error.message : String(error)).replace(/[.!?]?$/, '.');
  const hint = error instanceof AppError ? error.hint : undefined;
  if (language === 'en') return { message: own, hint };
  const details = hint === undefined ? own : `${own} ${hint}`;
  const said = saidText(own, language, translate);
  if (said !== undefined) {
    return { message: said, hint: hint === undefined ? hint : saidText(hint, language, translate), details };
  }
  const key = error instanceof AppError ? sentenceOfCode[error.code] : 'error.unknown';
  return { message: translate(key), details };
}

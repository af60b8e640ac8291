import { AppError } from '../../shared/errors.ts';

/** Of an error, in sentences: what happened, and what to do about it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const hint = error instanceof AppError && error.hint !== undefined ? ` ${error.hint}` : '';
  return `${error.message.replace(/[.!?]?$/, '.')}${hint}`;
}

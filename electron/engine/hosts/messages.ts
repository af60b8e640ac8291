import { AppError, isHostErrorCode } from '../../shared/errors.ts';
import type { HostErrorCode } from '../../shared/errors.ts';
import type { AnswerMessage } from '../../shared/calls.ts';

export interface HostError {
  code: HostErrorCode;
  message: string;
  hint: string | undefined;
}

/** What a host sends: `ready` when it has loaded, and one answer to each call. */
export type HostReply = { kind: 'ready' } | AnswerMessage<HostError>;

/** An error as it crosses the process; what has no code of a host's is a failure of the engine. */
export function toHostError(error: unknown): HostError {
  if (!(error instanceof Error)) return { code: 'ENGINE', message: String(error), hint: undefined };
  const code = 'code' in error && isHostErrorCode(error.code) ? error.code : 'ENGINE';
  return { code, message: error.message, hint: error instanceof AppError ? error.hint : undefined };
}

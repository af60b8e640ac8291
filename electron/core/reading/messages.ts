import type { WireError } from '../../shared/wire.ts';
import type { Changes } from '../store/change-log.ts';
import type { Migration } from '../store/migrate.ts';
import type { QuestionName } from './questions.ts';

/** What a reader is started with. */
export interface ReaderData {
  libraryPath: string;
}

/** What a thread is started with that brings a library up to date and ends. */
export interface UpdateData extends ReaderData {
  migrations: Migration[];
}

/**
 * What a reader is sent: a question, with what has changed since the one before where it is about a list, or that there will be
 * no more.
 */
export type ReaderRequest =
  { id: number; name: QuestionName; question: unknown; changes: Changes | undefined } | { close: true };

/** And what it sends back. `stack` is there for a mistake in Winnow only. */
export type ReaderReply = { id: number; answer: unknown } | { id: number; error: ReaderError };

export type ReaderError = WireError | { message: string; stack: string | undefined };

import type { AnswerMessage, CallMessage } from '../../shared/calls.ts';
import type { WireError } from '../../shared/wire.ts';
import type { Migration } from '../store/migrate.ts';

/** What a reader is started with. */
export interface ReaderData {
  libraryPath: string;
}

/** What a thread is started with that brings a library up to date and ends. */
export interface UpdateData extends ReaderData {
  migrations: Migration[];
}

/**
 * What a reader is sent: a question, and behind it what has changed since the one before where it is about a list; or that
 * there will be no more.
 */
export type ReaderRequest = CallMessage | { close: true };

/** And what it sends back. `stack` is there for a mistake in Winnow only. */
export type ReaderReply = AnswerMessage<ReaderError>;

export type ReaderError = WireError | { message: string; stack: string | undefined };

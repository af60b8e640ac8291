import { parentPort, workerData } from 'node:worker_threads';
import { answerMessage } from '../shared/calls.ts';
import type { CallMessage } from '../shared/calls.ts';
import { AppError } from '../shared/errors.ts';
import { RunLists } from './columns/run-lists.ts';
import type { Changes } from './store/change-log.ts';
import { toLibraryError } from './store/library-error.ts';
import { Library } from './store/library.ts';
import { openDatabase } from './store/open-database.ts';
import type { ReaderData, ReaderError, ReaderReply, ReaderRequest, UpdateData } from './reading/messages.ts';
import { answers, isWithoutPause } from './reading/questions.ts';
import type { QuestionName, Reader } from './reading/questions.ts';

// A thread that answers questions about a library over a connection of its own that can only read (see LibraryReaders), or
// brings it up to date (see LibraryUpdate).
const { libraryPath, ...data } = workerData as ReaderData | UpdateData;
let reader: Reader | undefined;

if ('migrations' in data) openDatabase(libraryPath, data.migrations).close();
else parentPort?.on('message', take);

function take(request: ReaderRequest): void {
  if ('close' in request) {
    reader?.library.close();
    parentPort?.close();
  } else void answerMessage(request, ask, toFailure, post);
}

function ask({ call, args: [question, changes] }: CallMessage): unknown {
  reader ??= openReader();
  const { lists, library } = reader;
  const name = call as QuestionName;
  const answered = answers[name] as (reader: Reader, question: unknown) => unknown;
  if (!isWithoutPause(name)) return answered(reader, question);
  return library.reading(() => {
    if (changes !== undefined) lists.update(changes as Changes);
    return answered({ library, lists }, question);
  });
}

function openReader(): Reader {
  const library = Library.openToRead(libraryPath);
  return { library, lists: new RunLists(library) };
}

/** Sends an answer; the memory of the lists of numbers in it is moved, not copied. */
function post(reply: ReaderReply): void {
  parentPort?.postMessage(reply, reply.kind === 'value' ? listsIn(reply.value) : []);
}

function listsIn(answer: unknown): ArrayBuffer[] {
  const parts: unknown[] = answer instanceof Object && !Array.isArray(answer) ? Object.values(answer) : [];
  return parts.flatMap((part) => (part instanceof Uint32Array ? [part.buffer as ArrayBuffer] : []));
}

function toFailure(thrown: unknown): ReaderError {
  const error = toLibraryError(thrown, libraryPath);
  if (error instanceof AppError) return { code: error.code, message: error.message, hint: error.hint };
  return error instanceof Error
    ? { message: error.message, stack: error.stack }
    : { message: String(error), stack: undefined };
}

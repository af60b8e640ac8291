import { parentPort, workerData } from 'node:worker_threads';
import { AppError } from '../shared/errors.ts';
import { RunLists } from './columns/run-lists.ts';
import { toLibraryError } from './store/library-error.ts';
import { Library } from './store/library.ts';
import { openDatabase } from './store/open-database.ts';
import type { ReaderData, ReaderError, ReaderReply, ReaderRequest, UpdateData } from './reading/messages.ts';
import { answers, isWithoutPause } from './reading/questions.ts';
import type { Reader } from './reading/questions.ts';

// A thread that answers questions about a library over a connection of its own that can only read (see LibraryReaders), or
// brings it up to date (see LibraryUpdate).
const { libraryPath, ...data } = workerData as ReaderData | UpdateData;
let reader: Reader | undefined;

type Question = Extract<ReaderRequest, { id: number }>;

if ('migrations' in data) openDatabase(libraryPath, data.migrations).close();
else parentPort?.on('message', take);

function take(request: ReaderRequest): void {
  if ('close' in request) {
    reader?.library.close();
    parentPort?.close();
  } else void reply(request);
}

async function reply({ id, name, question, changes }: Question): Promise<void> {
  try {
    reader ??= openReader();
    const { lists, library } = reader;
    const answered = answers[name] as (reader: Reader, question: unknown) => unknown;
    const answer = isWithoutPause(name)
      ? library.reading(() => {
          if (changes !== undefined) lists.update(changes);
          return answered({ library, lists }, question);
        })
      : await answered(reader, question);
    post({ id, answer }, listsIn(answer)); // moved, not copied
  } catch (error) {
    post({ id, error: toReaderError(toLibraryError(error, libraryPath)) });
  }
}

function openReader(): Reader {
  const library = Library.openToRead(libraryPath);
  return { library, lists: new RunLists(library) };
}

/** The memory of the lists of numbers that an answer has. */
function listsIn(answer: unknown): ArrayBuffer[] {
  const parts: unknown[] = answer instanceof Object && !Array.isArray(answer) ? Object.values(answer) : [];
  return parts.flatMap((part) => (part instanceof Uint32Array ? [part.buffer as ArrayBuffer] : []));
}

function post(message: ReaderReply, moved: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, moved);
}

function toReaderError(error: unknown): ReaderError {
  if (error instanceof AppError) return { code: error.code, message: error.message, hint: error.hint };
  return error instanceof Error
    ? { message: error.message, stack: error.stack }
    : { message: String(error), stack: undefined };
}

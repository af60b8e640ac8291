import { parentPort, workerData } from 'node:worker_threads';
import { AppError } from '../shared/errors.ts';
import { toLibraryError } from './store/library-error.ts';
import { Library } from './store/library.ts';
import type { ReaderData, ReaderError, ReaderReply, ReaderRequest } from './reading/messages.ts';
import { answers, isWithoutPause } from './reading/questions.ts';
import type { QuestionName } from './reading/questions.ts';

// A thread that answers questions about a library over a connection of its own that can only read; see LibraryReaders.
const { libraryPath } = workerData as ReaderData;
let library: Library | undefined;

parentPort?.on('message', (request: ReaderRequest) => {
  if ('close' in request) {
    library?.close();
    parentPort?.close();
  } else void reply(request.id, request.name, request.question);
});

async function reply(id: number, name: QuestionName, question: unknown): Promise<void> {
  try {
    library ??= Library.openToRead(libraryPath);
    const answer = await answerFrom(library, name, question);
    post({ id, answer }, answer instanceof Uint32Array ? [answer.buffer as ArrayBuffer] : []); // moved, not copied
  } catch (error) {
    post({ id, error: toReaderError(toLibraryError(error, libraryPath)) });
  }
}

function answerFrom(library: Library, name: QuestionName, question: unknown): unknown {
  const answer = answers[name] as (library: Library, question: unknown) => unknown;
  return isWithoutPause(name) ? library.reading(() => answer(library, question)) : answer(library, question);
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

import type { Library } from '../store/library.ts';
import { isAboutList } from './questions.ts';
import type { AnswerTo, QuestionName, QuestionOf } from './questions.ts';
import { ReaderThread } from './reader-thread.ts';

/** Threads besides the one for lists: a question waits only when so many others are being answered. */
const MOST_OTHERS = 3;

/**
 * Threads that read a library, each over a connection of its own, so that neither a window nor a run waits while a million
 * rows are read. They see what was saved before they were asked. None is started before something is asked.
 */
export class LibraryReaders {
  #lists: ReaderThread | undefined;
  readonly #others = new Set<ReaderThread>();

  /** Asks in another thread; the library must be there. What is thrown there is thrown here. */
  async ask<Name extends QuestionName>(
    library: Pick<Library, 'file' | 'changeLog'>,
    name: Name,
    question: QuestionOf<Name>,
  ): Promise<AnswerTo<Name>> {
    const answer = isAboutList(name)
      ? this.#listThread(library.file).ask(name, question, library.changeLog.take())
      : this.#otherThread(library.file).ask(name, question);
    return (await answer) as AnswerTo<Name>;
  }

  /** Closes the library in all threads when they have answered; what is asked afterwards starts new ones. */
  async close(): Promise<void> {
    const threads = [...this.#others, ...(this.#lists === undefined ? [] : [this.#lists])];
    await Promise.all(threads.map((thread) => thread.close()));
  }

  #listThread(libraryPath: string): ReaderThread {
    this.#lists ??= new ReaderThread(libraryPath, () => (this.#lists = undefined));
    return this.#lists;
  }

  /** The one that has least to do. */
  #otherThread(libraryPath: string): ReaderThread {
    const [least] = [...this.#others].sort((one, other) => one.load - other.load);
    if (least !== undefined && (least.load === 0 || this.#others.size >= MOST_OTHERS)) return least;
    const thread: ReaderThread = new ReaderThread(libraryPath, () => this.#others.delete(thread));
    this.#others.add(thread);
    return thread;
  }
}

import { mkdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type {
  ImportedLabels,
  LabelEvent,
  LabelReport,
  LabelRequest,
  LabelTable,
  LabelTableQuestion,
} from '../../shared/api/labels.ts';
import { AppError } from '../../shared/errors.ts';
import { shortened } from '../../shared/shortened.ts';
import type { Size } from '../../shared/resized-size.ts';
import type { AppContext } from '../app/app-context.ts';
import { isInside } from '../files/inside.ts';
import { partialPath, removeAbandoned } from '../files/partial-files.ts';
import { labelTable } from '../labels/label-table.ts';
import { ReadProgress, stagingFile } from '../labels/read-labels.ts';
import type { LabelFolder, LabelQuestion, UnsizedImage } from '../labels/read-labels.ts';
import { saveReviews, saveRun } from '../labels/save-labels.ts';
import type { SaveOptions } from '../labels/save-labels.ts';
import { Staging } from '../labels/staging.ts';
import { resolveFolder } from '../runs/run-folders.ts';
import { scanIntoLibrary } from '../runs/scan-library.ts';
import { describeRun } from '../results/describe-run.ts';

const LOOK = 100; // milliseconds between two looks at what is done
const AT_ONCE = 16; // pictures whose sizes are asked for together
const SIZES_PER_COMMIT = 500;

interface Work {
  controller: AbortController;
  progress: SharedArrayBuffer;
}

/** Reads what others made: labels, boxes and masks. One file at a time, in another thread. */
export class LabelService {
  readonly #context: AppContext;
  #work: Work | undefined;
  #settled: Promise<unknown> = Promise.resolve();

  constructor(context: AppContext) {
    this.#context = context;
  }

  /** See labelTable. */
  table(question: LabelTableQuestion): Promise<LabelTable | undefined> {
    return this.#withStaging((staging) => labelTable(question, join(staging, 'unpacked')));
  }

  /** What an import would do. */
  inspect(request: LabelRequest): Promise<LabelReport> {
    return this.#alone(async (work, staging) => {
      const folder = await this.#folder(request.folder);
      const question = { request: absolute(request), folder, staging, progress: work.progress };
      const read = await this.#ask('reading', work, () => this.#context.ask('readLabels', question));
      const inPixels = read.unsized.filter((image) => image.inPixels);
      await this.#findSizes(question, inPixels, work);
      return this.#context.ask('resolveLabels', { ...question, read, keep: false });
    });
  }

  /** Reads all of it in, or nothing. */
  takeIn(request: LabelRequest): Promise<ImportedLabels> {
    return this.#alone(async (work, staging) => {
      const { library } = this.#context;
      library.requireWritable();
      const lock = request.purpose.kind === 'run' ? library.acquireWriter() : undefined;
      try {
        const folder = await this.#scanned(await this.#folder(request.folder), work);
        const question = { request: absolute(request), folder, staging, progress: work.progress };
        const read = await this.#ask('reading', work, () => this.#context.ask('readLabels', question));
        await this.#findSizes(question, read.unsized, work);
        const report = await this.#context.ask('resolveLabels', { ...question, read, keep: true });
        if (report.images === 0) throw nothingFits(question, report);
        return await this.#save(question, report, work);
      } finally {
        lock?.release();
      }
    });
  }

  /** Throws NOT_FOUND when nothing is under way. */
  cancel(): undefined {
    if (this.#work === undefined) throw new AppError('NOT_FOUND', 'No labels are being read here');
    this.#work.controller.abort();
    new ReadProgress(this.#work.progress).cancel();
    return undefined;
  }

  async close(): Promise<void> {
    if (this.#work !== undefined) this.cancel();
    await this.#settled;
  }

  /** Does one work at a time, with a folder for what is read, which is gone afterwards. */
  async #alone<T>(work: (of: Work, staging: string) => Promise<T>): Promise<T> {
    if (this.#work !== undefined)
      throw new AppError(
        'BAD_ARGUMENT',
        'Labels are being read already',
        'Wait for the end of that, or cancel it.',
      );
    const of = { controller: new AbortController(), progress: ReadProgress.buffer() };
    this.#work = of;
    const done = this.#withStaging((staging) => work(of, staging)).finally(() => (this.#work = undefined));
    this.#settled = done.catch(() => undefined);
    return done;
  }

  async #withStaging<T>(work: (staging: string) => Promise<T>): Promise<T> {
    const beside = dirname(this.#context.library.file); // there is room, and more than memory where temporary files have that
    await removeAbandoned(beside);
    const staging = partialPath(beside);
    await mkdir(staging, { mode: 0o700 });
    try {
      return await work(staging);
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  }

  /** The images that a folder stands for: its own in the library, those below a part of one, or those that lie there now. */
  async #folder(named: string): Promise<LabelFolder> {
    const path = await resolveFolder(named);
    const { folders } = this.#context.library;
    const known = folders.paths().find((one) => one === path || isInside(path, one));
    if (known === undefined) return { path, id: undefined, part: '' };
    const part =
      path === known ? '' : `${path.slice(known.length).replaceAll('\\', '/').replace(/^\//, '')}/`;
    return { path: known, id: folders.find(known)?.id, part };
  }

  /** A folder that is not in the library is taken in. */
  async #scanned(folder: LabelFolder, { controller }: Work): Promise<LabelFolder> {
    if (folder.id !== undefined) return folder;
    const { library } = this.#context;
    const { path } = folder;
    await scanIntoLibrary(library, path, controller.signal, {
      onFound: (files) => this.#context.emit({ type: 'scanning', path, files }),
      onNotice: (message) => this.#context.emit({ type: 'notice', message }),
    });
    if (controller.signal.aborted)
      throw new AppError('CANCELLED', 'The import was cancelled; nothing has come in');
    return { ...folder, id: library.folders.find(path)?.id };
  }

  /** Tells how far another thread is, until it answers. */
  async #ask<T>(phase: LabelEvent['phase'], { progress }: Work, ask: () => Promise<T>): Promise<T> {
    const told = new ReadProgress(progress);
    const timer = setInterval(() => {
      this.#context.emit({ type: 'importingLabels', phase, ...told.told });
    }, LOOK);
    try {
      return await ask();
    } finally {
      clearInterval(timer);
    }
  }

  /** Asks the engine for the sizes of pictures whose boxes cannot be placed without. */
  async #findSizes(
    { folder, staging: place }: LabelQuestion,
    unsized: readonly UnsizedImage[],
    work: Work,
  ): Promise<void> {
    if (unsized.length === 0) return;
    const { engine } = this.#context;
    const staging = new Staging(stagingFile(place));
    try {
      let found: (readonly [number, Size | undefined])[] = [];
      for (let first = 0; first < unsized.length; first += AT_ONCE) {
        if (work.controller.signal.aborted)
          throw new AppError('CANCELLED', 'The import was cancelled; nothing has come in');
        const some = unsized.slice(first, first + AT_ONCE);
        const sizes = some.map(async ({ imageId, relativePath }) => {
          const size = await engine.pictures.size(join(folder.path, relativePath)).catch(withoutSize);
          return [imageId, size] as const;
        });
        found.push(...(await Promise.all(sizes)));
        this.#tell('sizes', Math.min(first + AT_ONCE, unsized.length), unsized.length);
        if (found.length < SIZES_PER_COMMIT && first + AT_ONCE < unsized.length) continue;
        staging.setSizes(found);
        found = [];
      }
    } finally {
      staging.close();
    }
  }

  async #save(question: LabelQuestion, report: LabelReport, work: Work): Promise<ImportedLabels> {
    const { request, folder, staging } = question;
    const { library } = this.#context;
    const { purpose } = request;
    const { format, task, images } = report;
    const options: SaveOptions = {
      library,
      staging: stagingFile(staging),
      folder: folder.path,
      request,
      format,
      task,
      images,
      now: this.#context.now(),
      signal: work.controller.signal,
      onProgress: (done, total) => this.#tell('saving', done, total),
    };
    if (purpose.kind === 'run') {
      const runId = await saveRun(purpose.tool, options);
      const run = describeRun(library, this.#context.runRow(runId));
      this.#context.emit({ type: 'ended', run, error: undefined });
      return { report, runId, changed: images, history: library.reviewHistory.descriptions() };
    }
    const runId = report.reviews?.runId ?? 0;
    const { imageIds, kept } = await saveReviews(runId, purpose, options);
    const history = library.reviewHistory.descriptions();
    if (imageIds.length > 0) this.#context.emit({ type: 'reviewed', imageIds, history });
    const reviews = report.reviews && { ...report.reviews, kept };
    return { report: { ...report, reviews }, runId, changed: imageIds.length, history };
  }

  #lastTold = -Infinity;

  /** Not too often, and always of the end. */
  #tell(phase: LabelEvent['phase'], done: number, total: number): void {
    const now = this.#context.clock();
    if (now - this.#lastTold < LOOK && done < total) return;
    this.#lastTold = now;
    this.#context.emit({ type: 'importingLabels', phase, done, total });
  }
}

function absolute(request: LabelRequest): LabelRequest {
  return { ...request, path: resolve(request.path) };
}

/** Of a picture that cannot be read; whatever else goes wrong is thrown. */
function withoutSize(error: unknown): undefined {
  if (error instanceof AppError && error.code === 'BAD_IMAGE') return undefined;
  throw error;
}

function nothingFits(
  { request, folder }: LabelQuestion,
  { entries, unmatched, skipped }: LabelReport,
): AppError {
  const [name] = unmatched.names;
  const [reason] = skipped;
  const came =
    entries === 0
      ? 'it is about no image'
      : name !== undefined && unmatched.count === entries
        ? `none of its ${entries} names, such as ${shortened(name)}, is that of an image there`
        : `nothing of it can come in${reason === undefined ? '' : `, such as ${reason.example}`}`;
  return new AppError(
    'BAD_ARGUMENT',
    `Expected labels of images in ${folder.path} in ${request.path}, but ${came}`,
    'Look at it with --dry-run, which lists what is left out and why.',
  );
}

import { resolve } from 'node:path';
import { exportArguments } from '../../shared/api/exports.ts';
import type { ExportSummary } from '../../shared/api/exports.ts';
import { checkArguments } from '../../shared/app-api.ts';
import { AppError } from '../../shared/errors.ts';
import type { AppContext, Request } from '../app/app-context.ts';
import { requireFolderPlace } from '../outputs/output-files.ts';
import type { FileContent } from '../files/write-file.ts';
import { exportRun } from '../export/export-run.ts';
import type { ExportOptions } from '../export/export-run.ts';
import { EXPORT_FORMATS, findFormat } from '../export/formats.ts';

const PROGRESS_INTERVAL = 100; // milliseconds between two events

type ExportRequest = Omit<Request<'exportRun'>, 'out' | 'force'>;

/** Exports and transfers under way here, each of which can be cancelled. */
export class ExportService {
  readonly #context: AppContext;
  readonly #underWay = new Set<AbortController>();

  constructor(context: AppContext) {
    this.#context = context;
  }

  /** Writes the results of a run to a file or folder that a person names. */
  toPlace({ out, force = false, ...request }: Request<'exportRun'>): Promise<ExportSummary> {
    const { outputs, ownFiles } = this.#context;
    const { format, runId } = request;
    return this.#export(request, {
      file: () => outputs.claim({ path: out, command: 'export', format, force, runId }),
      folder: async () => {
        await requireFolderPlace(ownFiles, resolve(out));
        return resolve(out);
      },
    });
  }

  /** Hands them as text to `write`. Rejects with BAD_ARGUMENT for a format that is no text. */
  async toText(
    request: ExportRequest,
    write: (content: FileContent) => Promise<void>,
  ): Promise<ExportSummary> {
    const checked = checkArguments(exportArguments.exportRun.omit({ out: true, force: true }), request);
    if (!findFormat(checked.format).isText) throw noText(checked.format);
    return this.#export(checked, {
      file: () => Promise.resolve({ path: 'standard output', write }),
      folder: () => Promise.reject(noText(checked.format)),
    });
  }

  #export(
    { runId, format, bom = false, columns = 'standard', filter = {} }: ExportRequest,
    to: Pick<ExportOptions, 'file' | 'folder'>,
  ): Promise<ExportSummary> {
    return this.cancellable((signal) => {
      const onProgress = this.progressTeller();
      const options = { format: findFormat(format), bom, columns, filter, signal, onProgress, ...to };
      return exportRun(this.#context, this.#context.runRow(runId), options);
    });
  }

  /** Does what `cancel` ends. */
  async cancellable<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    this.#underWay.add(controller);
    try {
      return await work(controller.signal);
    } finally {
      this.#underWay.delete(controller);
    }
  }

  /** Throws NOT_FOUND when nothing is under way. */
  cancel(): undefined {
    if (this.#underWay.size === 0) throw new AppError('NOT_FOUND', 'No export is under way here');
    for (const controller of this.#underWay) controller.abort();
    return undefined;
  }

  /** Tells of the progress, not too often, and always of its end. */
  progressTeller(): (done: number, total: number) => void {
    let last = -Infinity;
    return (done, total) => {
      const now = this.#context.clock();
      if (now - last < PROGRESS_INTERVAL && done < total) return;
      last = now;
      this.#context.emit({ type: 'exporting', done, total });
    };
  }
}

function noText(format: string): AppError {
  const texts = EXPORT_FORMATS.filter(({ isText }) => isText);
  return new AppError(
    'BAD_ARGUMENT',
    `Only text can go to standard output, but ${format} is none`,
    `Name a file or folder, or one of the formats ${texts.map(({ name }) => name).join(', ')}.`,
  );
}

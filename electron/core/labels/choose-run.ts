import { AppError } from '../../shared/errors.ts';
import type { Label, Task } from '../../shared/model-package.ts';
import { shortened } from '../../shared/shortened.ts';
import { isInside } from '../files/inside.ts';
import { classFinder } from '../models/class-names.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/tables/runs.ts';

/** The run that reviews stand beside: they are given in its classes. */
export interface RunBeside {
  runId: number;
  model: string;
  task: Task;
  labels: Label[];
}

/**
 * The run that is named; else of those on the folder the one of the kind of the file's content that knows the most of its
 * classes, and of equal ones the last. Throws NOT_FOUND or BAD_ARGUMENT.
 */
export function chooseRun(
  library: Library,
  { path }: { path: string },
  runId: number | undefined,
  names: readonly string[],
  found: Task,
): RunBeside {
  if (runId !== undefined) return named(library, path, runId);
  const fits = library.runs
    .all()
    .filter(({ spec }) => spec.folders.some((folder) => isOn(folder, path)))
    .map((run) => {
      const beside = describe(library, run);
      const find = classFinder(beside.labels);
      const known = names.filter((name) => find(name).length > 0).length;
      return { beside, known, isSame: Number(beside.task === found) };
    })
    .sort(
      (one, other) =>
        other.isSame - one.isSame || other.known - one.known || other.beside.runId - one.beside.runId,
    );
  const [best] = fits;
  if (best !== undefined) return best.beside;
  throw new AppError(
    'BAD_ARGUMENT',
    `Reviews stand beside the labels of a run, but there is no run on ${path}`,
    'Label the folder first, or take the file in as a run of another tool.',
  );
}

function named(library: Library, path: string, runId: number): RunBeside {
  const run = library.runs.get(runId);
  if (run === undefined)
    throw new AppError('NOT_FOUND', `There is no run ${runId} in the library`, '`winnow runs` lists them.');
  if (run.spec.folders.some((folder) => isOn(folder, path))) return describe(library, run);
  throw new AppError(
    'BAD_ARGUMENT',
    `Run ${runId} is on ${shortened(run.spec.folders.join(', '))}, not on ${path}`,
    'Name a folder of the run, or another run.',
  );
}

const isOn = (folder: string, path: string) =>
  folder === path || isInside(path, folder) || isInside(folder, path);

function describe(library: Library, { id: runId, spec }: RunRow): RunBeside {
  const { task, labels } = library.models.get(spec.modelSha256).manifest;
  return { runId, model: spec.modelName, task, labels };
}

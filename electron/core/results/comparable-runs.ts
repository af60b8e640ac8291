import type { ComparableRun } from '../../shared/api/results.ts';
import type { Preset } from '../../shared/run.ts';
import { describeRun } from '../runs/run-job.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/runs.ts';

/** Runs that tell what another preset makes of the same pictures; see AppApi. */
export function comparableRuns(library: Library, run: RunRow): ComparableRun[] {
  const { folders, modelSha256, preset } = run.spec;
  return library.runs
    .all()
    .filter(({ spec }) => spec.modelSha256 === modelSha256 && settings(spec.preset) !== settings(preset))
    .filter(({ spec }) => spec.folders.some((folder) => folders.includes(folder)))
    .map((other) => ({ other, images: library.resultQueries.shared(run.id, other.id) }))
    .filter(({ images }) => images > 0)
    .sort((one, another) => another.images - one.images)
    .map(({ other, images }) => ({ run: describeRun(library, other), images }));
}

/** All of a preset but its name, as one text. */
function settings({ tokenKeep, blockThreshold, precision, inputSize }: Preset): string {
  return JSON.stringify([tokenKeep, blockThreshold, precision, inputSize]);
}

import type { Preset } from '../../shared/run.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/tables/runs.ts';

/** How many images a run has in common with another. */
export interface SharedImages {
  runId: number; // the other
  images: number; // predicted in both
}

/** Runs that tell what another preset makes of the same pictures; see AppApi. */
export function comparableRuns(library: Library, run: RunRow): SharedImages[] {
  const { folders, modelSha256, preset } = run.spec;
  return library.runs
    .all()
    .filter(({ spec }) => spec.modelSha256 === modelSha256 && settings(spec.preset) !== settings(preset))
    .filter(({ spec }) => spec.folders.some((folder) => folders.includes(folder)))
    .map((other) => ({ runId: other.id, images: library.resultQueries.shared(run.id, other.id) }))
    .filter(({ images }) => images > 0)
    .sort((one, another) => another.images - one.images);
}

/** All of a preset but its name, as one text; '' of another tool's run. */
function settings(preset: Preset | undefined): string {
  if (preset === undefined) return '';
  const { tokenKeep, blockThreshold, precision, inputSize } = preset;
  return JSON.stringify([tokenKeep, blockThreshold, precision, inputSize]);
}

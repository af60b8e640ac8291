import type { RunComparison } from '../../shared/api/results.ts';
import { classLabels, leastScoreOf } from './resolve-filter.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/tables/runs.ts';

/**
 * Compares the models' labels of the images that two runs have in common. The models may be different ones, and "nothing
 * found" is a label too.
 */
export function compareRuns(library: Library, run: RunRow, other: RunRow): RunComparison {
  const [names, otherNames] = [classLabels(library, run), classLabels(library, other)];
  const comparison: RunComparison = {
    images: 0,
    agreeing: 0,
    onlyInFirst: 0,
    onlyInSecond: 0,
    differences: [],
  };
  const pairs = library.resultQueries.classPairs({
    runId: run.id,
    minScore: leastScoreOf(library, run),
    otherRunId: other.id,
    otherMinScore: leastScoreOf(library, other),
  });
  for (const { classIndex, otherClass, count } of pairs) {
    if (otherClass === null) {
      comparison.onlyInFirst += count;
      continue;
    }
    const [label, otherLabel] = [names[classIndex] ?? '', otherNames[otherClass] ?? '']; // '' of NOTHING
    comparison.images += count;
    if (label === otherLabel) comparison.agreeing += count;
    else comparison.differences.push({ label, otherLabel, count });
  }
  comparison.onlyInSecond = library.results.counts(other.id).ok - comparison.images;
  comparison.differences.sort((one, another) => another.count - one.count);
  return comparison;
}

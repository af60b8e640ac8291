import type { RunComparison } from '../../shared/api/results.ts';
import { classLabels } from './resolve-filter.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/runs.ts';

/** Compares the models' labels of the images that two runs have in common; the models may be different ones. */
export function compareRuns(library: Library, run: RunRow, other: RunRow): RunComparison {
  const [names, otherNames] = [classLabels(library, run), classLabels(library, other)];
  const comparison: RunComparison = {
    images: 0,
    agreeing: 0,
    onlyInFirst: 0,
    onlyInSecond: 0,
    differences: [],
  };
  for (const { classIndex, otherClass, count } of library.resultQueries.classPairs(run.id, other.id)) {
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

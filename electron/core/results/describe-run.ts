import type { Run } from '../../shared/run.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/tables/runs.ts';
import { leastScore } from './held-label.ts';
import { TASKS } from '../../shared/tasks.ts';

/** A run with its counts, as it stands in the library. */
export function describeRun<Row extends RunRow>(
  library: Library,
  { scanDue: _, ...row }: Row,
): Run & Pick<Row, 'spec'> {
  return { ...row, counts: library.results.counts(row.id), blank: countBlank(library, row) };
}

/** Images of a run in which its model found nothing; none of a classifier. */
export function countBlank(library: Library, { id, spec }: Pick<RunRow, 'id' | 'spec'>): number {
  const { task } = library.models.get(spec.modelSha256).manifest;
  return TASKS[task].isDense ? library.results.countBlank(id, leastScore(task, undefined, spec)) : 0;
}

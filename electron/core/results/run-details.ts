import { join } from 'node:path';
import type { RunDetails, RunFindings, ToldProblem } from '../../shared/api/runs.ts';
import { shownScore } from '../../shared/found-score.ts';
import type { RunManifest, Task } from '../../shared/model-package.ts';
import { displayNames } from '../models/class-names.ts';
import type { FacetCode } from '../store/lists/facet-code.ts';
import type { Library } from '../store/library.ts';
import type { ListQueries } from '../store/lists/list-queries.ts';
import { NOTHING } from '../store/lists/result-filter.ts';
import type { RunRow } from '../store/tables/runs.ts';
import { leastScore } from './held-label.ts';
import { pairWithLabels } from './resolve-filter.ts';
import { forTask } from '../../shared/tasks.ts';

/** How many failures and labels are listed. */
const SHOWN_FAILURES = 20;
const SHOWN_LABELS = 20;

/** All that `showRun` tells of a run but the run itself. `queries`: what answers for the run. */
export function describeDetails(
  library: Library,
  queries: ListQueries,
  row: RunRow,
): Omit<RunDetails, 'run'> {
  const { manifest } = library.models.get(row.spec.modelSha256);
  const minScore = leastScore(manifest.task, undefined, row.spec);
  const counts = new RunTally(manifest.labels.length);
  const classLabels = pairWithLabels(displayNames(manifest.labels));
  queries.forEachFacet(row.id, { minScore }, classLabels, (code) => counts.add(code));
  const counted = new Map(library.results.folderCounts(row.id).map((folder) => [folder.path, folder]));
  return {
    labels: counts.labels.slice(0, SHOWN_LABELS).map(({ classIndex, count }) => ({
      label: manifest.labels[classIndex]?.name ?? '', // '' of NOTHING
      count,
    })),
    found: describeFound(library, row, manifest),
    reviewed: { verified: counts.verified, corrected: counts.corrected },
    failures: firstProblems(library, row, 'failed'),
    warned: library.results.warned(row.id),
    warnings: firstProblems(library, row, 'warned'),
    unread: unreadFiles(library, row),
    folders: row.spec.folders.map((path) => counted.get(path) ?? { path, total: 0, done: 0 }),
  };
}

function unreadFiles(library: Library, { spec }: RunRow): RunDetails['unread'] {
  const counts = new Map<string, number>();
  for (const path of spec.folders)
    for (const [kind, count] of Object.entries(library.folders.unread(path)))
      counts.set(kind, (counts.get(kind) ?? 0) + count);
  return [...counts]
    .map(([kind, count]) => ({ kind, count }))
    .sort((one, other) => other.count - one.count || one.kind.localeCompare(other.kind));
}

/** The first files that failed, or whose results are to be taken with care. */
function firstProblems(library: Library, run: RunRow, status: 'failed' | 'warned'): ToldProblem[] {
  const rows = library.resultQueries.problems(run.id, status, SHOWN_FAILURES);
  return rows.map(({ folder, relativePath, error, warning, problem }) => {
    return { path: join(folder, relativePath), error: error ?? warning ?? '', problem };
  });
}

/** Counts of a run's results, whatever people said of them. */
class RunTally {
  verified = 0;
  corrected = 0;
  readonly #classes: number[]; // by index; NOTHING first

  constructor(classes: number) {
    this.#classes = Array.from({ length: classes - NOTHING }, () => 0);
  }

  add({ classIndex, status, verified, corrected }: FacetCode): void {
    if (verified) this.verified++;
    if (corrected) this.corrected++;
    if (status !== 'ok' || classIndex === undefined) return;
    this.#classes[classIndex - NOTHING] = (this.#classes[classIndex - NOTHING] ?? 0) + 1;
  }

  /** The classes of predicted images, most frequent first. */
  get labels(): { classIndex: number; count: number }[] {
    return this.#classes
      .map((count, index) => ({ classIndex: index + NOTHING, count }))
      .filter(({ count }) => count > 0)
      .sort((one, other) => other.count - one.count);
  }
}

function describeFound(
  { found }: Library,
  { id, spec }: RunRow,
  { task, labels }: RunManifest,
): RunFindings | undefined {
  const names = displayNames(labels);
  return forTask<{ task: Task }, RunFindings | undefined>(
    { task },
    {
      classification: () => undefined,
      segmentation: () => {
        const areas = found.areas(id);
        const area = areas.reduce((sum, { amount }) => sum + amount, 0); // the regions of a picture cover it
        const classes = areas.map(({ classIndex, amount }) => {
          return { label: names[classIndex] ?? '', share: amount / area };
        });
        return { task: 'segmentation', classes };
      },
      detection: () => {
        const classes = found
          .objects(id, shownScore(spec))
          .map(({ classIndex, amount }) => ({ label: names[classIndex] ?? '', objects: amount }));
        const objects = classes.reduce((sum, one) => sum + one.objects, 0);
        return { task: 'detection', minScore: shownScore(spec), objects, classes };
      },
    },
  );
}

import type { FolderPlace, ResultFacets, ResultFilter } from '../../shared/api/results.ts';
import { listFolderTree } from './folder-tree.ts';
import { classLabels, foundIn, pairWithLabels, resolveFilter } from './resolve-filter.ts';
import { NOTHING } from '../store/lists/result-filter.ts';
import { CONFIDENCE_BINS } from '../store/lists/facet-code.ts';
import type { FacetCode } from '../store/lists/facet-code.ts';
import type { Library } from '../store/library.ts';
import type { ListQueries } from '../store/lists/list-queries.ts';
import type { RunRow } from '../store/tables/runs.ts';
import { TASKS } from '../../shared/tasks.ts';

/**
 * Counts for the filters beside the grid, each with the other filters on and its own off; see ResultFacets. `queries`: what
 * answers for the run.
 */
export function countFacets(
  library: Library,
  queries: ListQueries,
  run: RunRow,
  filter: ResultFilter,
  open: readonly FolderPlace[] = [],
): ResultFacets {
  const names = classLabels(library, run);
  const resolved = resolveFilter(library, run, filter);
  const tally = new FacetTally(names.length);
  queries.forEachFacet(run.id, resolved, pairWithLabels(names), (code) => tally.add(code));
  return {
    total: tally.total,
    reviewed: queries.verified(run.id),
    labels: added([
      ...tally.classes.map((count, index) => ({ label: names[index] ?? '', count })),
      { label: '', count: tally.nothing },
      ...queries.humanLabels(run.id, resolved),
    ]),
    found: countFound(library, queries, run, filter, names),
    confidence: tally.bins,
    status: {
      ...tally.status,
      problem: tally.status.failed + queries.count(run.id, { ...resolved, status: 'warned' }),
    },
    folders: listFolderTree(library, queries, run, filter, open),
  };
}

function countFound(
  library: Library,
  queries: ListQueries,
  run: RunRow,
  { contains: _, ...filter }: ResultFilter,
  names: readonly string[],
): LabelCount[] {
  const { task } = library.models.get(run.spec.modelSha256).manifest;
  if (!TASKS[task].isDense) return [];
  const resolved = resolveFilter(library, run, filter);
  const found = queries.foundCounts(run.id, resolved, foundIn(task));
  return added([
    ...found.map(({ classIndex, count }) => ({ label: names[classIndex] ?? '', count })),
    ...queries.markedCounts(run.id, resolved),
  ]);
}

interface LabelCount {
  label: string;
  count: number;
}

/** The counts of equal labels in one, most frequent first; none of 0. */
function added(counts: readonly LabelCount[]): LabelCount[] {
  const sums = new Map<string, number>();
  for (const { label, count } of counts) sums.set(label, (sums.get(label) ?? 0) + count);
  return [...sums]
    .map(([label, count]) => ({ label, count }))
    .filter(({ count }) => count > 0)
    .sort((one, other) => other.count - one.count);
}

class FacetTally {
  total = 0;
  readonly classes: number[]; // images that nobody reviewed, by the model's class
  nothing = 0; // those in which the model found nothing
  readonly bins = Array.from({ length: CONFIDENCE_BINS }, () => 0);
  readonly status: Omit<ResultFacets['status'], 'problem'> = {
    ok: 0,
    failed: 0,
    pending: 0,
    verified: 0,
    unverified: 0,
    corrected: 0,
    labelled: 0,
    blank: 0,
  };

  constructor(classes: number) {
    this.classes = Array.from({ length: classes }, () => 0);
  }

  add(code: FacetCode): void {
    const { inLabels, inConfidence, inStatus, bin } = code;
    if (inLabels && inConfidence && inStatus) this.total++;
    if (inConfidence && inStatus && !code.verified) this.#addClass(code);
    if (inLabels && inStatus && bin !== undefined) increment(this.bins, bin);
    if (inLabels && inConfidence) this.#addStatus(code);
  }

  #addClass({ classIndex }: FacetCode): void {
    if (classIndex === NOTHING) this.nothing++;
    else if (classIndex !== undefined) increment(this.classes, classIndex);
  }

  #addStatus({ status, verified, corrected, blank }: FacetCode): void {
    this.status[status]++;
    if (verified) this.status.verified++;
    if (!verified && status === 'ok') this.status.unverified++;
    if (corrected) this.status.corrected++;
    if (blank) this.status.blank++;
    else if (verified || status === 'ok') this.status.labelled++;
  }
}

function increment(counts: number[], index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}

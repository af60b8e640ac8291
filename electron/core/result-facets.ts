import type { ResultFacets, ResultFilter } from '../shared/api/results.ts';
import { classLabels, pairWithLabels, resolveFilter } from './resolve-filter.ts';
import { CONFIDENCE_BINS } from './store/facet-code.ts';
import type { FacetCode } from './store/facet-code.ts';
import type { Library } from './store/library.ts';
import type { RunRow } from './store/runs.ts';

/** Counts for the filters beside the grid, each with the other filters on and its own off; see ResultFacets. */
export function countFacets(library: Library, run: RunRow, filter: ResultFilter): ResultFacets {
  const names = classLabels(library, run);
  const resolved = resolveFilter(library, run, filter);
  const tally = new FacetTally(names.length);
  for (const code of library.resultQueries.facetCodes(run.id, resolved, pairWithLabels(names)))
    tally.add(code);
  const labels = new Map<string, number>();
  const count = (label: string, images: number) => labels.set(label, (labels.get(label) ?? 0) + images);
  for (const [index, images] of tally.classes.entries()) if (images > 0) count(names[index] ?? '', images);
  for (const { label, count: images } of library.resultQueries.humanLabels(run.id, resolved))
    count(label, images);
  return {
    total: tally.total,
    labels: [...labels]
      .map(([label, images]) => ({ label, count: images }))
      .sort((one, other) => other.count - one.count),
    confidence: tally.bins,
    status: tally.status,
  };
}

class FacetTally {
  total = 0;
  readonly classes: number[]; // images that nobody reviewed, by the model's class
  readonly bins = Array.from({ length: CONFIDENCE_BINS }, () => 0);
  readonly status: ResultFacets['status'] = {
    ...{ ok: 0, failed: 0, pending: 0 },
    ...{ verified: 0, unverified: 0, corrected: 0 },
  };

  constructor(classes: number) {
    this.classes = Array.from({ length: classes }, () => 0);
  }

  add(code: FacetCode): void {
    const { inLabels, inConfidence, inStatus, classIndex, bin } = code;
    if (inLabels && inConfidence && inStatus) this.total++;
    if (inConfidence && inStatus && classIndex !== undefined && !code.verified)
      increment(this.classes, classIndex);
    if (inLabels && inStatus && bin !== undefined) increment(this.bins, bin);
    if (inLabels && inConfidence) this.#addStatus(code);
  }

  #addStatus({ status, verified, corrected }: FacetCode): void {
    this.status[status]++;
    if (verified) this.status.verified++;
    if (!verified && status === 'ok') this.status.unverified++;
    if (corrected) this.status.corrected++;
  }
}

function increment(counts: number[], index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}

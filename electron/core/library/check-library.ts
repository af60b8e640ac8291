import type { LibraryCheck } from '../../shared/api/settings.ts';
import type { Damage, DamagedRow } from '../store/damage.ts';
import type { Library } from '../store/library.ts';
import { SUMMED_TABLES } from '../store/sums.ts';
import type { SummedTable } from '../store/sums.ts';

const SHOWN_PATHS = 20;

/** Of results, what was found with them, and reviews it is told which images they are of. */
const TOLD_APART = new Set<SummedTable>(['results', 'detections', 'masks', 'reviews']);

/** What was found damaged, as it is told. */
export function describeDamage({ rows, problems, found }: Damage): LibraryCheck {
  const named = (table: DamagedRow['table']) => [
    ...new Set(found.filter((row) => row.table === table).map(({ name }) => name)),
  ];
  const reviews = named('reviews');
  return {
    rows,
    problems,
    mended: false,
    results: damagedResults(found).map(({ runId, images }) => {
      return { runId, images: images.size, paths: [...images.values()].slice(0, SHOWN_PATHS) };
    }),
    reviews: { images: reviews.length, paths: reviews.slice(0, SHOWN_PATHS) },
    others: SUMMED_TABLES.filter((table) => !TOLD_APART.has(table)).flatMap(named),
  };
}

/**
 * Makes damaged results pending, and their runs paused, so that those images are predicted again. Does nothing where the
 * file itself is damaged: more would be written into it then. Returns whether anything was done.
 */
export function mendResults(library: Library, { problems, found }: Damage): boolean {
  const damaged = damagedResults(found);
  if (problems.length > 0 || damaged.length === 0) return false;
  library.transaction(() => {
    for (const { runId, images } of damaged) library.resetResults(runId, [...images.keys()]);
  });
  return true;
}

/** Results with damage of their own or in what was found, by run; `images`: id -> path. */
function damagedResults(found: readonly DamagedRow[]): { runId: number; images: Map<number, string> }[] {
  const runs = new Map<number, Map<number, string>>();
  for (const { table, runId, imageId, name } of found) {
    if (runId === null || imageId === null || table === 'reviews') continue;
    runs.set(runId, (runs.get(runId) ?? new Map<number, string>()).set(imageId, name));
  }
  return [...runs].map(([runId, images]) => ({
    runId,
    images: new Map([...images].sort(([one], [other]) => one - other)),
  }));
}

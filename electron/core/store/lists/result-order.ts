import type { ResultSort } from '../../../shared/api/results.ts';
import { bestConfidence, pairOfClasses } from './result-filter.ts';
import type { Difference } from './result-filter.ts';

/** A sort whose names were resolved as those of a RowFilter were. */
export type RowOrder =
  | { sort: PlainSort }
  | { sort: 'disagreement'; comparedWith: Pick<Difference, 'runId' | 'agreeing' | 'minScore'> };

type PlainSort = Exclude<ResultSort, 'disagreement'>;

/** What a statement that lists `results` with `images` and `folders` needs for an order. */
export interface OrderSql {
  join: string; // after the tables
  by: string; // after ORDER BY
  parameters: Record<string, string | number>;
}

const BY_PATH = 'folders.path, images.relative_path';

/** What comes without a value comes last. */
const PLAIN_ORDER: Record<PlainSort, string> = {
  path: BY_PATH,
  name: `images.name COLLATE NOCASE, ${BY_PATH}`,
  captured: `images.captured_at NULLS LAST, ${BY_PATH}`,
  mostConfident: 'results.confidence_1 DESC NULLS LAST, results.image_id',
  leastConfident: `${bestConfidence('results')} NULLS LAST, results.image_id`,
  hardest: 'results.blocks_run DESC NULLS LAST, results.image_id',
  easiest: 'results.blocks_run NULLS LAST, results.image_id',
  lowestMargin: 'results.confidence_1 - results.confidence_2 NULLS LAST, results.image_id',
};

const [HERE, THERE] = [bestConfidence('results'), bestConfidence('compared', ':comparedMinScore')];

/**
 * How much two rows contradict: 2 to 4 with different labels, by the sum of their confidences; 0 to 1 with the same label,
 * by their difference; NULL where one of them is no prediction. A prediction of nothing has no confidence.
 */
const CONTRADICTION = `CASE WHEN results.status = 'ok' AND compared.status = 'ok' THEN
  CASE WHEN ${pairOfClasses('results', 'compared', ':comparedMinScore')} IN (SELECT value FROM json_each(:comparedAgreeing))
    THEN abs(coalesce(${HERE}, 0) - coalesce(${THERE}, 0)) ELSE 2 + coalesce(${HERE}, 0) + coalesce(${THERE}, 0) END END`;

/** The SQL of an order; no two images are equal in it. `:minScore` is the caller's, as in RowFilter. */
export function orderSql(order: RowOrder): OrderSql {
  if (order.sort !== 'disagreement') return { join: '', by: PLAIN_ORDER[order.sort], parameters: {} };
  const { runId, agreeing, minScore = 0 } = order.comparedWith;
  return {
    join: `LEFT JOIN results AS compared INDEXED BY results_listing
      ON compared.run_id = :comparedRunId AND compared.image_id = results.image_id`,
    by: `${CONTRADICTION} DESC NULLS LAST, results.image_id`,
    parameters: {
      comparedRunId: runId,
      comparedAgreeing: JSON.stringify(agreeing),
      comparedMinScore: minScore,
    },
  };
}

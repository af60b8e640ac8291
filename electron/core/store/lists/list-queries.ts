import type { ResultQueries } from './result-queries.ts';

/**
 * What a list of a run's images and its facets are made of. ResultQueries answers it in SQL; ColumnQueries of core/columns
 * answers it from memory, with the same answers.
 */
export type ListQueries = Pick<
  ResultQueries,
  | 'find'
  | 'count'
  | 'forEachFacet'
  | 'directoryCounts'
  | 'verified'
  | 'humanLabels'
  | 'foundCounts'
  | 'markedCounts'
>;

import type { ResultRow } from '../store/tables/results.ts';

/** Why an image has no result: of a run of another tool in that tool's own words. Undefined where none is known. */
export function failureText({ error, problem }: Pick<ResultRow, 'error' | 'problem'>): string | undefined {
  return problem?.code === 'otherTool' ? (problem.details ?? error) : error;
}

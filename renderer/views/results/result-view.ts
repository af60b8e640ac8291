import { resultFilterSchema, resultSortSchema } from '../../../electron/shared/api/results.ts';
import type { ResultFilter, ResultSort } from '../../../electron/shared/api/results.ts';

/** Filter and order of the results of a run. */
export interface ResultView {
  filter: ResultFilter;
  sort: ResultSort;
  /** The other run, of the sort `disagreement` only. */
  comparedWith?: number;
}

export const DEFAULT_SORT: ResultSort = 'path';

/** The view of an address's query. Parts that are missing or invalid are left out. */
export function readView(query: Readonly<Record<string, string>>): ResultView {
  const differs = number(query['differs']);
  const wanted: Record<string, unknown> = {
    labels: query['label']?.split(',').map(decode),
    minConfidence: number(query['min']),
    maxConfidence: number(query['max']),
    contains: query['has']?.split(',').map(decode),
    minScore: number(query['score']),
    text: query['q'],
    status: query['status'],
    folderId: number(query['folder']),
    folder: query['in'] || undefined,
    differsFrom: differs === undefined ? undefined : compact({ runId: differs, label: query['there'] }),
    wrong: query['wrong'] === undefined ? undefined : compact({ folder: query['wrong'] || undefined }),
  };
  const fields = Object.entries(wanted).filter(([name, value]) => {
    const field = resultFilterSchema.shape[name as keyof ResultFilter];
    return value !== undefined && field.safeParse(value).success;
  });
  const filter = resultFilterSchema.parse(Object.fromEntries(fields));
  const sort = resultSortSchema.safeParse(query['sort']).data ?? DEFAULT_SORT;
  if (sort !== 'disagreement') return { filter, sort };
  const comparedWith = Number(query['with']);
  const isRun = Number.isSafeInteger(comparedWith) && comparedWith > 0;
  return isRun ? { filter, sort, comparedWith } : { filter, sort: DEFAULT_SORT };
}

/** The query of a view: the inverse of `readView`. */
export function writeView({ filter, sort, comparedWith }: ResultView): Record<string, string> {
  const { labels, minConfidence, maxConfidence, contains, minScore } = filter;
  const { text, status, folderId, folder, differsFrom, wrong } = filter;
  return compact({
    label: labels === undefined || labels.length === 0 ? undefined : labels.map(encode).join(','),
    min: minConfidence?.toString(),
    max: maxConfidence?.toString(),
    has: contains === undefined || contains.length === 0 ? undefined : contains.map(encode).join(','),
    score: minScore?.toString(),
    q: text === '' ? undefined : text,
    status,
    folder: folderId?.toString(),
    in: folder === '' ? undefined : folder,
    differs: differsFrom?.runId.toString(),
    there: differsFrom?.label,
    wrong: wrong === undefined ? undefined : (wrong.folder ?? ''),
    sort: sort === DEFAULT_SORT ? undefined : sort,
    with: comparedWith?.toString(),
  });
}

/** The view as one string: equal for equal views. */
export function viewText(view: ResultView): string {
  return new URLSearchParams(writeView(view)).toString();
}

/** The inverse of `viewText`. */
export function parseViewText(text: string): ResultView {
  return readView(Object.fromEntries(new URLSearchParams(text)));
}

/** The filter with some parts replaced; a part that is undefined is removed. */
export function changeFilter(
  filter: ResultFilter,
  change: { [Part in keyof ResultFilter]?: ResultFilter[Part] | undefined },
): ResultFilter {
  return compact({ ...filter, ...change });
}

/** The labels with one of them switched on or off. */
export function toggleLabel(labels: readonly string[] | undefined, label: string): string[] | undefined {
  const others = (labels ?? []).filter((other) => other !== label);
  const next = others.length === (labels ?? []).length ? [...others, label] : others;
  return next.length === 0 ? undefined : next;
}

export function isFiltered(filter: ResultFilter): boolean {
  return Object.keys(compact({ ...filter })).length > 0;
}

// Labels are separated by commas, so a comma inside a label is escaped.
const encode = (label: string) => label.replace(/[%,]/g, encodeURIComponent);

function decode(text: string): string {
  return text.replace(/%(25|2C)/g, decodeURIComponent);
}

function number(text: string | undefined): number | undefined {
  return text === undefined || text === '' || !Number.isFinite(Number(text)) ? undefined : Number(text);
}

/** Without the fields that are undefined. */
function compact<Fields extends Record<string, unknown>>(
  fields: Fields,
): { [Name in keyof Fields]: Exclude<Fields[Name], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof Fields]: Exclude<Fields[Name], undefined> };
}

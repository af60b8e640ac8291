import type { ColumnSet, ExportPreview } from '../../shared/api/exports.ts';
import type {
  ClassNames,
  FolderPlace,
  FoundEvaluation,
  ImageList,
  ResultFacets,
  ResultFilter,
  ResultSort,
  RunComparison,
  RunEvaluation,
} from '../../shared/api/results.ts';
import type { RunLesson } from '../../shared/api/training.ts';
import type { LabelReport } from '../../shared/api/labels.ts';
import type { RunDetails, RunEstimate } from '../../shared/api/runs.ts';
import type { ArgumentsOf, ResultOf } from '../../shared/calls.ts';
import { evaluateFound } from '../evaluate/evaluate-found.ts';
import { evaluateImages } from '../evaluate/evaluate-run.ts';
import { previewExport } from '../export/export-run.ts';
import type { ColumnPart } from '../columns/run-columns.ts';
import type { RunLists } from '../columns/run-lists.ts';
import { comparableRuns } from '../results/comparable-runs.ts';
import type { SharedImages } from '../results/comparable-runs.ts';
import { compareRuns } from '../results/compare-runs.ts';
import { listClassNames, resolveFilter, resolveOrder } from '../results/resolve-filter.ts';
import { countFacets } from '../results/result-facets.ts';
import { describeDetails } from '../results/run-details.ts';
import { readLabels, resolveLabels } from '../labels/read-labels.ts';
import type { LabelQuestion, ReadLabels } from '../labels/read-labels.ts';
import { runLessons } from '../results/run-lessons.ts';
import { estimateRun } from '../runs/estimate-run.ts';
import type { ResolvedSpec } from '../runs/run-spec.ts';
import type { Damage } from '../store/damage.ts';
import type { CountedFolder } from '../store/tables/folders.ts';
import type { Library, LibrarySummary } from '../store/library.ts';
import type { RunRow } from '../store/tables/runs.ts';

/** What a list of a run's images is asked for with. */
interface ListRequest {
  run: RunRow;
  filter: ResultFilter;
}

/** What can take long to read from a library: asked in another thread, in values that can be copied there and back. */
export interface Questions {
  findImages(
    question: ListRequest & { sort: ResultSort; comparedWith: number | undefined },
  ): Promise<ImageList>;
  resultFacets(question: ListRequest & { open: FolderPlace[] | undefined }): Promise<ResultFacets>;
  readAhead(question: { run: RunRow; part: ColumnPart }): Promise<undefined>;
  describeRun(question: { run: RunRow }): Promise<Omit<RunDetails, 'run'>>;
  classNames(question: { run: RunRow }): Promise<ClassNames>;
  compareRuns(question: { run: RunRow; other: RunRow }): Promise<RunComparison>;
  comparableRuns(question: { run: RunRow }): Promise<SharedImages[]>;
  runLessons(question: { runs: RunRow[] }): Promise<RunLesson[][]>;
  evaluateRun(question: { run: RunRow }): Promise<RunEvaluation>;
  evaluateFound(question: { run: RunRow; truth: string }): Promise<FoundEvaluation>;
  estimateRun(question: {
    resolved: ResolvedSpec;
    threads: number;
    inputSize: number | undefined;
  }): Promise<RunEstimate>;
  readLabels(question: LabelQuestion): Promise<ReadLabels>;
  resolveLabels(question: LabelQuestion & { read: ReadLabels; keep: boolean }): Promise<LabelReport>;
  previewExport(question: ListRequest & { columns: ColumnSet }): Promise<ExportPreview>;
  countFolders(question: { folderId?: number | undefined }): Promise<CountedFolder[]>;
  summary(question: object): Promise<LibrarySummary>;
  findDamage(question: object): Promise<Damage>;
}

export type QuestionName = keyof Questions;
export type QuestionOf<Name extends QuestionName> = ArgumentsOf<Questions, Name>[0];
export type AnswerTo<Name extends QuestionName> = ResultOf<Questions, Name>;

/** What a thread reads from. */
export interface Reader {
  library: Library;
  lists: RunLists;
}

type Answers = {
  [Name in QuestionName]: (
    reader: Reader,
    question: QuestionOf<Name>,
  ) => AnswerTo<Name> | Promise<AnswerTo<Name>>;
};

/** How each question is answered. */
export const answers: Answers = {
  findImages: ({ library, lists }, { run, filter, sort, comparedWith }) => {
    const order = resolveOrder(library, run, sort, { comparedWith, minScore: filter.minScore });
    const resolved = resolveFilter(library, run, filter);
    return lists.answer((queries) => ({
      imageIds: queries.find(run.id, resolved, order),
      total: queries.count(run.id, {}),
    }));
  },
  resultFacets: ({ library, lists }, { run, filter, open }) =>
    lists.answer((queries) => countFacets(library, queries, run, filter, open)),
  readAhead: ({ lists }, { run, part }) => lists.answer((queries) => queries.readAhead(run.id, part)),
  describeRun: ({ library, lists }, { run }) =>
    lists.answer((queries) => describeDetails(library, queries, run)),
  classNames: ({ library }, { run }) => listClassNames(library, run),
  compareRuns: ({ library }, { run, other }) => compareRuns(library, run, other),
  comparableRuns: ({ library }, { run }) => comparableRuns(library, run),
  runLessons: ({ library }, { runs }) => runs.map((run) => runLessons(library, run)),
  evaluateRun: ({ library }, { run }) => evaluateImages(library, run),
  evaluateFound: ({ library }, { run, truth }) => evaluateFound(library, run, truth),
  estimateRun: ({ library }, { resolved, threads, inputSize }) =>
    estimateRun(library, resolved, threads, inputSize),
  readLabels: ({ library }, question) => readLabels(library, question),
  resolveLabels: ({ library }, { read, keep, ...question }) => resolveLabels(library, question, read, keep),
  previewExport: ({ library }, { run, columns, filter }) => previewExport(library, run, columns, filter),
  countFolders: ({ library }, { folderId }) => library.folders.counted(folderId),
  summary: ({ library }) => library.summary(),
  findDamage: ({ library }) => library.findDamage(),
};

/** Questions about the list of a run: one thread answers them all, so that it can keep what it has read. */
const LIST_QUESTIONS: ReadonlySet<QuestionName> = new Set<QuestionName>([
  'findImages',
  'resultFacets',
  'readAhead',
  'describeRun',
]);

/** Whether the answer comes at once, so that all of it can be read as it was at one moment. */
export function isWithoutPause(name: QuestionName): boolean {
  return name !== 'evaluateFound' && name !== 'readLabels'; // which read files of a person's
}

export function isAboutList(name: QuestionName): boolean {
  return LIST_QUESTIONS.has(name);
}

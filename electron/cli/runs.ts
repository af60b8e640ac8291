import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { ReviewCounts, RunDetails, RunFindings, ToldProblem } from '../shared/api/runs.ts';
import type { Run, RunSpec } from '../shared/run.ts';
import { table } from '../shared/table.ts';
import { withApp } from './app.ts';
import { count, findText, oneLine, percent, presetText, taskText } from './format.ts';
import { addLibraryOption } from './options.ts';
import type { LibraryOption } from './options.ts';
import { print } from './terminal.ts';
import { forTask } from '../shared/tasks.ts';

/** The number of a run as `winnow runs` lists it. */
export function runNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text))
    throw new InvalidArgumentError('Expected the number of a run; `winnow runs` lists them.');
  return Number(text);
}

/** `winnow runs`, `winnow show` and `winnow remove`. */
export function addRunsCommands(program: Command): void {
  addLibraryOption(program.command('runs').description('list the runs of the library')).action(
    async ({ library }: LibraryOption) => {
      const runs = await withApp(library, (app) => app.listRuns({}));
      print(runs.length === 0 ? 'There are no runs yet.\n' : describeRuns(runs));
    },
  );
  const show = program
    .command('show')
    .description('show one run: counts, labels, failures')
    .argument('<run>', 'its number', runNumber);
  addLibraryOption(show).action(async (runId: number, { library }: LibraryOption) => {
    print(describeDetails(await withApp(library, (app) => app.showRun({ runId }))));
  });
  const remove = program
    .command('remove')
    .description('forget a run and its results; what people said of the images stays')
    .argument('<run>', 'its number', runNumber);
  addLibraryOption(remove).action(async (runId: number, { library }: LibraryOption) => {
    await withApp(library, (app) => app.removeRun({ runId }));
    print(`Run ${runId} is forgotten.\n`);
  });
}

export function describeRuns(runs: readonly Run[]): string {
  const heading = [
    'RUN',
    'STATE',
    'IMAGES',
    'OK',
    'FAILED',
    'PENDING',
    'MODEL',
    'PRESET',
    'CREATED',
    'FOLDERS',
  ];
  const rows = runs.map(({ id, state, counts, spec, createdAt }) => [
    ...[id, state, counts.total, counts.ok, counts.failed, counts.pending].map(String),
    spec.modelName,
    spec.preset?.name ?? '-',
    createdAt.slice(0, 16).replace('T', ' '),
    spec.folders.map(oneLine).join(', '),
  ]);
  const notes = runs.flatMap((run) => run.notes.map((note) => `Run ${run.id}: ${oneLine(note)}\n`));
  return [table([heading, ...rows]), ...notes].join('');
}

function describeDetails({ run, labels, found, reviewed, ...problems }: RunDetails): string {
  const { spec, counts } = run;
  const facts = [
    ['run', String(run.id)],
    ['state', run.elsewhere ? `${run.state}, in another Winnow` : run.state],
    ...(run.reason === undefined ? [] : [['', oneLine(run.reason)]]),
    ...spec.folders.map((folder) => ['folder', oneLine(folder)]),
    ...makerFacts(spec),
    ...run.notes.map((note) => ['', oneLine(note)]),
    ['images', `${counts.total}: ${outcomeText(run)}, ${counts.pending} pending`],
    ['reviewed', reviewedText(reviewed)],
    ['created', run.createdAt],
    ...(run.finishedAt === undefined ? [] : [['finished', run.finishedAt]]),
  ];
  const parts = [table(facts)];
  if (found !== undefined) parts.push(`\n${foundText(found)}\n`, table(foundRows(found)));
  else if (labels.length > 0) {
    parts.push(
      '\nMost frequent labels\n',
      table(labels.map((one) => [oneLine(one.label), String(one.count)])),
    );
  }
  const failed = count(counts.failed, 'failed image');
  const warned = `${count(problems.warned, 'labelled image')} with a warning`;
  parts.push(toldText(failed, counts.failed, problems.failures));
  parts.push(toldText(warned, problems.warned, problems.warnings));
  if (problems.unread.length > 0) parts.push(`\n${unreadText(problems.unread)}`);
  return parts.join('');
}

/** Of what the results are: a model with its settings, or another tool with the file that they were read from. */
function makerFacts(spec: RunSpec): string[][] {
  if (spec.imported !== undefined) {
    const { path, format } = spec.imported;
    return [
      ['tool', oneLine(spec.modelName)],
      ...(spec.find === undefined ? [] : [['found by', oneLine(spec.find.modelName)]]),
      ['read from', `${oneLine(path)} (${format})`],
    ];
  }
  const task = taskText(spec);
  const find = findText(spec);
  return [
    ['model', `${spec.modelName} (SHA-256 ${spec.find?.classifierSha256 ?? spec.modelSha256})`],
    ...(find === undefined ? [] : [['first', find]]),
    ['preset', `${spec.preset.name} (${presetText(spec.preset)})`],
    ...(task === undefined ? [] : [['finds', task]]),
    ['device', spec.device],
  ];
}

const SHOWN_KINDS = 12;

/** Files that were passed over, by kind, in a line; '' when there are none. */
export function unreadText(unread: RunDetails['unread']): string {
  if (unread.length === 0) return '';
  const shown = unread.slice(0, SHOWN_KINDS);
  const rest = unread.slice(SHOWN_KINDS).reduce((sum, one) => sum + one.count, 0);
  const parts = shown.map(
    (one) =>
      `${one.count.toLocaleString('en')} ${one.kind === '' ? 'without an extension' : oneLine(one.kind)}`,
  );
  if (rest > 0) parts.push(`${rest.toLocaleString('en')} of other kinds`);
  return `Passed over, as no pictures that Winnow reads: ${parts.join(', ')}.\n`;
}

/** Files that something was wrong with, a line each: what it was, and what the decoder said. */
function toldText(heading: string, total: number, told: readonly ToldProblem[]): string {
  if (total === 0) return '';
  const shown = told.length < total ? `, the first ${told.length}` : '';
  const lines = told.map(({ path, error, problem }) => {
    const details = problem?.details === undefined ? '' : ` (${oneLine(problem.details)})`;
    return `${oneLine(path)}: ${oneLine(error)}${details}\n`;
  });
  return [`\n${heading}${shown}\n`, ...lines].join('');
}

/** What became of the images of a run, in a few words; `say` puts the first number. `warned`: of those that are ok. */
export function outcomeText(
  { counts, blank }: Run,
  say: (images: number) => string = String,
  warned = 0,
): string {
  const nothing = blank === 0 ? '' : `, ${blank} blank`;
  const warning = warned === 0 ? '' : ` (${warned.toLocaleString('en')} with a warning)`;
  return `${say(counts.ok - blank)} labelled${nothing}${warning}, ${counts.failed} failed`;
}

/** What people have said of the images, in a few words. */
function reviewedText({ verified, corrected }: ReviewCounts): string {
  if (verified === 0) return 'none';
  return `${count(verified, 'image')} verified, ${corrected.toLocaleString('en')} of them corrected`;
}

const SHOWN_CLASSES = 20;

/** What was found, in a few words. */
export function foundText(found: RunFindings): string {
  return forTask(found, {
    segmentation: () => 'Classes by area',
    detection: ({ objects, minScore }) =>
      `${count(objects, 'object')}${minScore === 0 ? '' : ` with a score of at least ${minScore}`}`,
  });
}

function foundRows(found: RunFindings): string[][] {
  const rows = forTask<RunFindings, string[][]>(found, {
    segmentation: ({ classes }) => classes.map(({ label, share }) => [oneLine(label), percent(share)]),
    detection: ({ classes }) =>
      classes.map(({ label, objects }) => [oneLine(label), objects.toLocaleString('en')]),
  });
  return rows.slice(0, SHOWN_CLASSES);
}

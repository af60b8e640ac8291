import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { LABEL_FORMATS } from '../core/labels/formats.ts';
import type {
  ImportedLabels,
  LabelMatch,
  LabelPurpose,
  LabelReport,
  LabelRequest,
} from '../shared/api/labels.ts';
import type { AppService } from '../core/app-service.ts';
import { AppError } from '../shared/errors.ts';
import { ONLY_CHANGED, skipText } from '../shared/label-skips.ts';
import type { Skipped } from '../shared/label-skips.ts';
import { table } from '../shared/table.ts';
import { withApp } from './app.ts';
import { count, oneLine } from './format.ts';
import { watchLabels } from './interrupt.ts';
import { addLibraryOption, number } from './options.ts';
import type { LibraryOption } from './options.ts';
import { runNumber } from './runs.ts';
import { print } from './terminal.ts';

interface ImportOptions extends LibraryOption {
  folder: string;
  as: 'reviews' | 'run';
  by?: string;
  tool?: string;
  run?: number;
  replace?: boolean;
  format?: string;
  task?: 'detection' | 'segmentation';
  map?: [string, string][];
  leaveOut?: string[];
  minScore?: number;
  fileColumn?: string;
  labelColumn?: string;
  scoreColumn?: string;
  boxColumns?: string[];
  corners?: boolean;
  dryRun?: boolean;
}

/** `winnow labels ...`. */
export function addLabelsCommands(program: Command): void {
  const labels = program
    .command('labels')
    .description('read labels, boxes and masks that other people or tools made');
  const formats = LABEL_FORMATS.map(({ name, about }) => `  ${name.padEnd(13)} ${about}`).join('\n');
  const command = labels
    .command('import')
    .description('read a file or folder of labels, as reviews or as a run of another tool')
    .argument('<file|folder>', 'what another tool wrote; also as a zip')
    .requiredOption(
      '--folder <folder>',
      'the images that it is about; paths of other computers are matched by their ends',
    )
    .addOption(
      new Option('--as <what>', 'reviews that somebody gave, or a run of another tool')
        .choices(['reviews', 'run'])
        .makeOptionMandatory(),
    )
    .option('--by <name>', 'of reviews: who gave them')
    .option('--tool <name>', 'of a run: the tool that it is of')
    .option(
      '--run <n>',
      'of reviews: the run beside whose labels they stand (default: the one that fits best)',
      runNumber,
    )
    .option('--replace', 'of reviews: also those that somebody else gave')
    .addOption(
      new Option('--format <name>', 'told by the content without it').choices(
        LABEL_FORMATS.map(({ name }) => name),
      ),
    )
    .addOption(
      new Option(
        '--task <task>',
        'what masks are: objects, or areas of classes; told by the content without it',
      ).choices(['detection', 'segmentation']),
    )
    .option(
      '--map <class=label>',
      'what a class is called here; nothing behind = means an empty image; may be repeated',
      pair,
    )
    .option('--leave-out <class>', 'a class that does not come in; may be repeated', collected)
    .option(
      '--min-score <x>',
      'smallest score of boxes (default: as the file states it, else 0 for a run, 0.5 for reviews)',
      number,
    )
    .option('--file-column <name>', 'of CSV: the column of file names')
    .option('--label-column <name>', 'of CSV: the column of labels')
    .option('--score-column <name>', "of CSV: the column of scores; '' for none")
    .option(
      '--box-columns <names>',
      "of CSV: left, top, width, height, with commas between; '' for none",
      (text) => text.split(','),
    )
    .option('--corners', 'of CSV: the box columns are left, top, right, bottom')
    .option('--dry-run', 'only say what would come in')
    .addHelpText('after', `\nFormats:\n${formats}\n`);
  addLibraryOption(command).action(async (path: string, { library, ...options }: ImportOptions) => {
    const request = toRequest(path, options);
    await withApp(library, (app) => (options.dryRun === true ? inspect(app, request) : takeIn(app, request)));
  });
}

/** `animal=fox`; the class may have no `=`, the label may. */
function pair(text: string, before: [string, string][] = []): [string, string][] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected a class, = and what it is called here.');
  return [...before, [text.slice(0, at), text.slice(at + 1)]];
}

function collected(text: string, before: string[] = []): string[] {
  return [...before, text];
}

function toRequest(path: string, options: ImportOptions): LabelRequest {
  const { folder, format, task, map = [], leaveOut = [], minScore } = options;
  const classes: [string, string | null][] = [
    ...map,
    ...leaveOut.map((name): [string, null] => [name, null]),
  ];
  const { fileColumn: file, labelColumn: label, scoreColumn, boxColumns, corners } = options;
  const score = scoreColumn === '' ? null : scoreColumn;
  const box = boxColumns?.join('') === '' ? null : boxColumns;
  return {
    path,
    folder,
    format,
    task,
    minScore,
    purpose: toPurpose(options),
    classes: Object.fromEntries(classes),
    columns: { file, label, score, box, corners },
  };
}

function toPurpose({ as, by, tool, run: runId, replace }: ImportOptions): LabelPurpose {
  if (as === 'reviews') {
    if (by === undefined) throw refused('Reviews need --by, the name of who gave them');
    if (tool !== undefined) throw refused('--tool goes with --as run');
    return { kind: 'reviews', by, runId, replace };
  }
  if (tool === undefined) throw refused('A run needs --tool, the name of the tool that it is of');
  if (by !== undefined || runId !== undefined || replace === true)
    throw refused('--by, --run and --replace go with --as reviews');
  return { kind: 'run', tool };
}

function refused(message: string): AppError {
  return new AppError('BAD_ARGUMENT', message, '`winnow labels import --help` shows the options.');
}

async function inspect(app: AppService, request: LabelRequest): Promise<void> {
  print(describeReport(await watchLabels(app, () => app.inspectLabels(request))));
  print('\nNothing was changed: this was a dry run.\n');
}

async function takeIn(app: AppService, request: LabelRequest): Promise<void> {
  print(describeImported(request, await watchLabels(app, () => app.importLabels(request))));
}

function describeImported({ purpose }: LabelRequest, { report, runId, changed }: ImportedLabels): string {
  const told = describeReport(report);
  if (purpose.kind === 'run')
    return `${told}\nRun ${runId} has the results of ${oneLine(purpose.tool)}; \`winnow show ${runId}\` tells of it.\n`;
  const same = report.images - changed - (report.reviews?.kept ?? 0);
  const unchanged = same > 0 ? `, ${same.toLocaleString('en')} were there already` : '';
  return `${told}\n${count(changed, 'image')} reviewed by ${oneLine(purpose.by)} beside run ${runId}${unchanged}.\n`;
}

const SHOWN_CLASSES = 40;
const SHOWN_NAMES = 5;

const WAYS: Record<LabelMatch['way'], string> = {
  path: 'by their paths',
  tail: 'by the ends of their paths',
  name: 'by their file names alone',
};

function describeReport(report: LabelReport): string {
  const { classes } = report;
  const rows = classes
    .slice(0, SHOWN_CLASSES)
    .map(({ name, becomes, isKnown, stated, labels, boxes }) => [
      String(stated),
      oneLine(name) || '(none)',
      becomes === null
        ? 'left out'
        : becomes === ''
          ? 'nothing in the image'
          : oneLine(becomes) + (isKnown ? '' : ' (new)'),
      String(labels),
      String(boxes),
    ]);
  const more = classes.length > SHOWN_CLASSES ? `and ${classes.length - SHOWN_CLASSES} more classes\n` : '';
  return [
    table(facts(report)),
    rows.length === 0
      ? ''
      : `\n${table([['IN THE FILE', 'CLASS', 'BECOMES', 'LABELS', 'BOXES'], ...rows])}${more}`,
    missingText(report),
    skippedText(report.skipped),
    ...report.notices.map((notice) => `${oneLine(notice)}\n`),
  ].join('');
}

function facts({
  format,
  task,
  entries,
  matches,
  images,
  blank,
  failed,
  labels,
  boxes,
  masks,
  ...rest
}: LabelReport) {
  const inside = [
    ...(labels > 0 ? [count(labels, 'label')] : []),
    ...(boxes > 0 ? [count(boxes, 'box').replace(/boxs$/, 'boxes')] : []),
    ...(masks > 0 ? [count(masks, 'mask')] : []),
    ...(blank > 0 ? [`${blank.toLocaleString('en')} without anything`] : []),
    ...(failed > 0 ? [`${failed.toLocaleString('en')} that the tool failed on`] : []),
  ];
  const { reviews, uncovered } = rest;
  return [
    ['format', `${format}, ${task}`],
    ['about', count(entries, 'image')],
    ...matches.map(({ way, entries: found, example }) => [
      way === matches[0]?.way ? 'found' : '',
      `${found.toLocaleString('en')} ${WAYS[way]}${way === 'path' ? '' : `: ${oneLine(example.theirs)} is ${oneLine(example.ours)}`}`,
    ]),
    ['comes in', `${count(images, 'image')}${inside.length === 0 ? '' : `: ${inside.join(', ')}`}`],
    ...(uncovered > 0
      ? [['without', `${count(uncovered, 'image')} of the folder that it says nothing of`]]
      : []),
    ...(reviews === undefined ? [] : [['beside', `run ${reviews.runId}, ${oneLine(reviews.model)}`]]),
    ...(reviews === undefined || reviews.kept === 0
      ? []
      : [
          [
            'kept',
            `${count(reviews.kept, 'review')} that somebody else gave and that say otherwise; --replace takes theirs away`,
          ],
        ]),
  ];
}

function missingText({ unmatched }: LabelReport): string {
  if (unmatched.count === 0) return '';
  const names = unmatched.names.slice(0, SHOWN_NAMES).map((name) => `  ${oneLine(name)}\n`);
  const others = unmatched.count > names.length ? '  and others\n' : '';
  return `\n${count(unmatched.count, 'image')} not in the folder:\n${names.join('')}${others}`;
}

function skippedText(skipped: readonly Skipped[]): string {
  if (skipped.length === 0) return '';
  const lines = skipped.map(({ reason, count: times, example }) => {
    const what = ONLY_CHANGED.has(reason) ? 'taken with a change' : 'left out';
    return `  ${times.toLocaleString('en')} ${skipText(reason)} (${what}), such as ${oneLine(example)}\n`;
  });
  return `\nNot as it is in the file:\n${lines.join('')}`;
}

import type { Command } from 'commander';
import type { AppService } from '../core/app-service.ts';
import type { Evaluation } from '../shared/app-api.ts';
import type { AveragePrecision, FoundEvaluation } from '../shared/api/results.ts';
import { AppError } from '../shared/errors.ts';
import { table } from '../shared/table.ts';
import { withApp } from './app.ts';
import { EXIT, exitCodeOfRun } from './exit.ts';
import { count, oneLine, percent, quantity } from './format.ts';
import { watchRun } from './interrupt.ts';
import { addDialOptions, addForceOption } from './options.ts';
import type { DialOptions, LibraryOption } from './options.ts';
import { runNumber } from './runs.ts';
import { print } from './terminal.ts';
import { forTask } from '../shared/tasks.ts';

interface EvaluateOptions extends DialOptions, LibraryOption {
  confusion?: string;
  force?: boolean;
  run?: number;
  annotations?: string;
  maps?: string;
}

/** `winnow evaluate`. */
export function addEvaluateCommand(program: Command, finish: (exitCode: number) => void): void {
  const command = program
    .command('evaluate')
    .description('measure accuracy on a folder whose sub-folders are classes, or against what people marked')
    .argument('[folder]', 'its images are predicted first')
    .option('--run <n>', 'the results of this run, in place of a folder', runNumber)
    .option('--annotations <file>', 'COCO JSON of instances, for a detection model')
    .option('--maps <folder>', 'PNG class maps named like the images, for a segmentation model')
    .option('--confusion <file>', 'write the confusion matrix as CSV, for a classifier');
  addDialOptions(addForceOption(command)).action(
    async (folder: string | undefined, { library, ...options }: EvaluateOptions) => {
      finish(await withApp(library, (app) => evaluate(app, folder, options)));
    },
  );
}

async function evaluate(
  app: AppService,
  folder: string | undefined,
  { run: runId, annotations, maps, confusion, force, ...dial }: EvaluateOptions,
): Promise<number> {
  const truth = annotations ?? maps;
  if ((folder === undefined) === (runId === undefined))
    throw refused('Either a folder or --run must be given');
  if (annotations !== undefined && maps !== undefined)
    throw refused('Either --annotations or --maps may be given, not both');
  if (truth !== undefined && confusion !== undefined)
    throw refused('--confusion goes with class folders, not with --annotations or --maps');
  if (runId !== undefined) {
    if (truth === undefined) throw refused('With --run, --annotations or --maps must be given');
    if (Object.keys(dial).length > 0) throw refused('With --run, there are no settings of a prediction');
    print(describeFound(await app.evaluateFound({ runId, truth })));
    return EXIT.done;
  }
  if (folder === undefined || truth === undefined) {
    const request = { folder: folder ?? '', confusion, force, ...dial };
    const evaluation = await watchRun(app, () => app.evaluate(request));
    print(describe(evaluation));
    return exitCodeOfRun(evaluation.run);
  }
  const run = await watchRun(app, () => app.run({ folders: [folder], ...dial }));
  print(describeFound(await app.evaluateFound({ runId: run.id, truth })));
  return exitCodeOfRun(run);
}

function refused(message: string): AppError {
  return new AppError('BAD_ARGUMENT', message, '`winnow evaluate --help` shows the options.');
}

function describeFound(evaluation: FoundEvaluation): string {
  const told = evaluation.notices.map((notice) => `${oneLine(notice)}\n`).join('');
  return (
    forTask<FoundEvaluation, string>(evaluation, { segmentation: describeMaps, detection: describeBoxes }) +
    told
  );
}

type EvaluationOf<Name extends FoundEvaluation['task']> = Extract<FoundEvaluation, { task: Name }>;

function describeMaps(evaluation: EvaluationOf<'segmentation'>): string {
  const { images, meanIou, pixelAccuracy, classes } = evaluation;
  const rows = classes.map(({ label, iou, pixels }) => [oneLine(label), quantity(pixels), share(iou)]);
  const facts = [
    ['images', String(images)],
    ['mean IoU', share(meanIou)],
    ['pixel accuracy', share(pixelAccuracy)],
  ];
  return `${table([['CLASS', 'PIXELS', 'IOU'], ...rows])}\n${table(facts)}`;
}

function describeBoxes({ images, box, mask }: EvaluationOf<'detection'>): string {
  const masks = new Map(mask?.classes.map(({ label, ap }) => [label, ap]));
  const rows = box.classes.map(({ label, ap, objects }) => [
    oneLine(label),
    String(objects),
    share(ap),
    ...(mask === undefined ? [] : [share(masks.get(label))]),
  ]);
  const heading = ['CLASS', 'OBJECTS', 'BOX AP', ...(mask === undefined ? [] : ['MASK AP'])];
  const summary = (name: keyof Omit<AveragePrecision, 'classes'>) => [
    SUMMARY[name],
    share(box[name]),
    ...(mask === undefined ? [] : [share(mask[name])]),
  ];
  const names = Object.keys(SUMMARY) as (keyof typeof SUMMARY)[];
  const measures = table([['', 'BOX', ...(mask === undefined ? [] : ['MASK'])], ...names.map(summary)]);
  return `${table([heading, ...rows])}\n${measures}\n${table([['images', String(images)]])}`;
}

const SUMMARY = {
  ap: 'AP',
  ap50: 'AP at IoU .50',
  ap75: 'AP at IoU .75',
  small: 'AP of small objects',
  medium: 'AP of medium objects',
  large: 'AP of large objects',
};

function share(value: number | undefined): string {
  return value === undefined ? '-' : percent(value);
}

function describe(evaluation: Evaluation): string {
  const { images, top1, top5, classes, ignored, blockKeep, flops, imagesPerSecond, run } = evaluation;
  const share = (right: number, all: number) => (all === 0 ? '-' : percent(right / all));
  const rows = classes.map((one) => [
    oneLine(one.folder),
    String(one.images),
    share(one.top1, one.images),
    share(one.top5, one.images),
  ]);
  const facts = [
    ['images', `${images} in ${count(classes.length, 'class folder')}`],
    ...(ignored > 0 ? [['ignored', `${ignored} outside of them`]] : []),
    ...(run.counts.failed > 0
      ? [['failed', `${run.counts.failed}, not counted; \`winnow show ${run.id}\` lists them`]]
      : []),
    ['top-1', percent(top1)],
    ['top-5', percent(top5)],
    ['block keep ratio', blockKeep.toFixed(3)],
    [
      'FLOPs per image',
      `${quantity(flops.original)} by the original's counting rule, ${quantity(flops.actual)} in truth`,
    ],
    ['speed', `${imagesPerSecond.toFixed(1)} images/s in the engine`],
  ];
  return `${table([['CLASS', 'IMAGES', 'TOP-1', 'TOP-5'], ...rows])}\n${table(facts)}`;
}

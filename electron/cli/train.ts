import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import type { AppService } from '../core/app-service.ts';
import type { AppArguments } from '../shared/app-api.ts';
import type { Training } from '../shared/api/training.ts';
import { AppError } from '../shared/errors.ts';
import { TAUGHT_TASKS, TRAINING_METHODS } from '../shared/training.ts';
import type { TaughtTask, TrainingMethod } from '../shared/training.ts';
import { withApp } from './app.ts';
import {
  describePause,
  describePlan,
  describeResult,
  describeTraining,
  describeTrainings,
} from './describe-training.ts';
import { EXIT, reportError } from './exit.ts';
import { oneLine } from './format.ts';
import { addDeviceOption, addLibraryOption, addThreadsOption, number } from './options.ts';
import type { LibraryOption } from './options.ts';
import { runNumber } from './runs.ts';
import { watchPreparation, watchTraining } from './watch-training.ts';
import { print, tell } from './terminal.ts';

type TrainingArguments = AppArguments<'startTraining'>;

const AUGMENTATIONS = [
  'crop',
  'flip',
  'colour-jitter',
  'rand-augment',
  'erasing',
  'mixup',
  'cut-mix',
] as const;
type Switch = keyof NonNullable<TrainingArguments['augment']>;

interface TrainOptions extends LibraryOption {
  task?: TaughtTask;
  from?: string;
  method?: TrainingMethod;
  run?: number;
  out?: string;
  epochs?: number;
  batch?: number;
  lr?: number;
  tokenKeep?: string;
  blockKeep?: number;
  holdout?: number;
  leaveOutPoor?: boolean;
  time?: number;
  seed?: number;
  recipe?: string;
  size?: 'micro' | 'tiny' | 'small' | 'base';
  width?: number;
  depth?: number;
  states?: number;
  imageSize?: number;
  patchSize?: number;
  freeze?: 'backbone';
  stride?: number;
  with?: Switch[];
  without?: Switch[];
  device?: string;
  threads?: number;
  dryRun?: boolean;
  resume?: number;
}

/** What says what to train. */
type RequestOptions = Omit<TrainOptions, 'resume' | 'dryRun'>;

/** `winnow train` and `winnow trainings`. */
export function addTrainCommands(program: Command, finish: (exitCode: number) => void): void {
  const command = program
    .command('train')
    .description('teach a model the classes of a folder of class folders, or what was reviewed in a run')
    .argument('[folder]', 'its sub-folders are the classes')
    .addOption(
      new Option(
        '--task <name>',
        'what is taught (default: classification); detection and segmentation from what is marked in a run',
      ).choices(TAUGHT_TASKS),
    )
    .option('--from <name|file>', 'model to start from, or `scratch` (default: everyday10)')
    .addOption(
      new Option('--method <name>', 'what is learned (default: fine-tune)').choices(TRAINING_METHODS),
    )
    .option(
      '--run <n>',
      'learn from the reviewed or imported images of this run, in place of a folder',
      runNumber,
    )
    .option('--out <name>', 'name of the new model')
    .option('--epochs <n>', 'how often every picture is seen', number)
    .option('--batch <n>', 'pictures per step', number)
    .option('--lr <x>', 'highest learning rate', number)
    .option('--token-keep <r>', 'share of patches to learn to keep: r for r, r^2, r^3, or one per stage')
    .option('--block-keep <r>', 'share of scans to learn to run', number)
    .option('--holdout <share>', 'of every class, to test with (default: 0.15)', number)
    .option('--leave-out-poor', 'leave out classes with too few pictures to learn from and to test with')
    .option('--time <duration>', 'end in time, such as 30m or 2h', minutes)
    .option('--seed <n>', 'of everything that is drawn (default: 0)', number)
    .option('--recipe <name>', "settings of a published training, such as vim-t (default: Winnow's own)")
    .addOption(
      new Option('--size <name>', 'from scratch: of the new model').choices([
        'micro',
        'tiny',
        'small',
        'base',
      ]),
    )
    .addOption(
      new Option(
        '--freeze <part>',
        'of a detection or segmentation model: the head learns alone, on features that are kept',
      ).choices(['backbone']),
    )
    .option('--width <n>', 'from scratch: numbers per token', number)
    .option('--depth <n>', 'from scratch: blocks', number)
    .option('--states <n>', 'from scratch: states per channel of a scan', number)
    .option(
      '--image-size <pixels>',
      'from scratch, for segmentation or detection: what pictures are seen at',
      number,
    )
    .option('--patch-size <pixels>', 'from scratch, for segmentation or detection: side of a patch', number)
    .option('--stride <pixels>', 'from scratch: from patch to patch', number)
    .option('--with <list>', `augmentation to add: ${AUGMENTATIONS.join(', ')}, commas between`, switches)
    .option('--without <list>', 'augmentation to leave out', switches)
    .option('--dry-run', 'only read the pictures and say what would be trained')
    .option('--resume <n>', 'go on with a training; `winnow trainings` lists them', trainingNumber);
  addThreadsOption(addLibraryOption(addDeviceOption(command))).action(
    async (folder: string | undefined, { library, ...options }: TrainOptions) => {
      finish(await withApp(library, (app) => train(app, folder, options)));
    },
  );
  addTrainingsCommands(program);
}

function addTrainingsCommands(program: Command): void {
  const command = program.command('trainings').description('list the trainings');
  addLibraryOption(command).action(async ({ library }: LibraryOption) => {
    print(describeTrainings(await withApp(library, (app) => app.listTrainings({}))));
  });
  const show = command
    .command('show')
    .description('show one training: epochs, accuracy, the dial, what it takes for what')
    .argument('<training>', 'its number', trainingNumber);
  show.action(async (trainingId: number, _: object, { parent }: Command) => {
    const library = parent?.opts<LibraryOption>().library;
    print(describeTraining(await withApp(library, (app) => app.showTraining({ trainingId }))));
  });
  const remove = command
    .command('remove')
    .description('forget a training; a model that it made stays')
    .argument('<training>', 'its number', trainingNumber);
  remove.action(async (trainingId: number, _: object, { parent }: Command) => {
    const library = parent?.opts<LibraryOption>().library;
    await withApp(library, (app) => app.removeTraining({ trainingId }));
    print(`Training ${trainingId} is forgotten.\n`);
  });
}

async function train(
  app: AppService,
  folder: string | undefined,
  { resume: trainingId, dryRun, ...options }: TrainOptions,
): Promise<number> {
  if (trainingId !== undefined)
    return conclude(app, await resume(app, trainingId, { ...options, folder, dryRun }));
  const request = toRequest(folder, options);
  const plan = describePlan(await watchPreparation(app, () => app.prepareTraining(request)));
  if (dryRun === true) {
    print(plan);
    return EXIT.done;
  }
  tell(plan);
  return conclude(app, await watchTraining(app, () => app.startTraining(request)));
}

function resume(
  app: AppService,
  trainingId: number,
  { threads, ...others }: RequestOptions & { folder: string | undefined; dryRun: boolean | undefined },
): Promise<Training> {
  if (Object.values(others).some((value) => value !== undefined))
    throw refused(
      'A training goes on as it was begun, so --resume takes no other options than --threads and --library',
    );
  return watchTraining(app, () => app.resumeTraining({ trainingId, threads }));
}

/** Says how a training ended, and what to do next; returns the exit code. */
async function conclude(app: AppService, { id, state, reason, model: name }: Training): Promise<number> {
  const details = await app.showTraining({ trainingId: id });
  if (state === 'failed') {
    reportError(
      new AppError(
        'ENGINE',
        reason ?? `Training ${id} failed`,
        `\`winnow train --resume ${id}\` tries again from its last saved state; \`winnow trainings remove ${id}\` forgets it.`,
      ),
    );
    return EXIT.failed;
  }
  if (state !== 'done') {
    print(describePause(details));
    return EXIT.failed;
  }
  print(describeResult(details));
  const { packages } = await app.listModels({});
  const model = packages.find((one) => one.name === name);
  if (model !== undefined)
    print(`\nWrote ${oneLine(model.path)}.\nTry it with \`winnow run <folder> --model ${model.name}\`.\n`);
  return EXIT.done;
}

function toRequest(folder: string | undefined, options: RequestOptions): TrainingArguments {
  const { from, run, out, lr, time, method, with: added = [], without = [], ...shared } = options;
  if (from === 'scratch' && method !== undefined && method !== 'scratch')
    throw refused(`The method ${method} needs a model to start from, but --from is scratch`);
  const isScratch = from === 'scratch' || method === 'scratch';
  const switched = new Map<Switch, boolean>([
    ...added.map((name) => [name, true] as const),
    ...without.map((name) => [name, false] as const),
  ]);
  return {
    ...shared,
    folder,
    runId: run,
    method: isScratch ? 'scratch' : (method ?? 'fine-tune'),
    from: from === 'scratch' ? undefined : from,
    name: out,
    learningRate: lr,
    minutes: time,
    augment: switched.size === 0 ? undefined : Object.fromEntries(switched),
  };
}

function refused(message: string): AppError {
  return new AppError('BAD_ARGUMENT', message, '`winnow train --help` shows the options.');
}

/** The number of a training as `winnow trainings` lists it. */
function trainingNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text))
    throw new InvalidArgumentError('Expected the number of a training; `winnow trainings` lists them.');
  return Number(text);
}

/** "30m", "2h", "1.5h", or minutes alone. */
function minutes(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(m|h)?$/.exec(text.trim()) ?? [];
  if (amount === undefined) throw new InvalidArgumentError('Expected a time such as 30m or 2h.');
  return Number(amount) * (unit === 'h' ? 60 : 1);
}

function switches(text: string): Switch[] {
  return text.split(',').map((word) => {
    const name = AUGMENTATIONS.find((candidate) => candidate === word.trim());
    if (name === undefined)
      throw new InvalidArgumentError(`Expected names among ${AUGMENTATIONS.join(', ')}.`);
    return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()) as Switch;
  });
}

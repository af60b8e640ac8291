import type { MarkedOutcome, Training, TrainingDetails, TrainingPlan } from '../shared/api/training.ts';
import { isDenseTask } from '../shared/tasks.ts';
import { areOfDetection, TRAINING_SCORES } from '../shared/training.ts';
import type {
  EpochReport,
  PictureCounts,
  TaughtTask,
  TrainingClass,
  TrainingRecipe,
  TrainingWarning,
} from '../shared/training.ts';
import { table } from '../shared/table.ts';
import { headText } from '../core/registry/training-card.ts';
import { count, duration, oneLine, percent, quantity, ratios } from './format.ts';

const SHOWN_CLASSES = 20;
const SHOWN_PATHS = 3;
const SHOWN_CONFUSIONS = 5;

/** What a training would be, before it starts. */
export function describePlan(plan: TrainingPlan): string {
  const { classes, recipe, method, name, from, steps, seconds, parameters } = plan;
  const facts = [
    ['model', `${name}, ${quantity(parameters)} parameters`],
    ['method', from === undefined ? method : `${method} from ${from.name}`],
    ['pictures', pictures(plan)],
    ...describeRecipe(recipe, steps),
    ['time', seconds === undefined ? 'not known' : `about ${duration(seconds)}`],
  ];
  return `${describeClasses(classes)}${plan.warnings.map(describeWarning).join('')}\n${table(facts)}`;
}

function describeRecipe(
  { name, epochs, batch, learningRate, losses }: TrainingRecipe,
  steps: number,
): string[][] {
  if (steps === 0) return [];
  const rows = [
    [
      'recipe',
      `${name}: ${count(epochs, 'epoch')} of ${count(Math.round(steps / epochs), 'step')}, ${count(batch, 'picture')} each`,
    ],
    ['rate', `up to ${rounded(learningRate.rate)}, ${rounded(learningRate.warmUpEpochs)} epochs of warm-up`],
  ];
  if (losses.tokenKeep.length > 0) rows.push(['patches', `to keep ${ratios(losses.tokenKeep)}`]);
  if (losses.blockRatio > 0) rows.push(['scans', `to run ${percent(losses.blockKeep)}`]);
  return rows;
}

function describeClasses(classes: readonly TrainingClass[]): string {
  const rows = classes
    .slice(0, SHOWN_CLASSES)
    .map(({ name, images, holdout }) => [oneLine(name), String(images), String(holdout)]);
  const rest = classes.length - rows.length;
  return `${table([['CLASS', 'LEARNED', 'HELD OUT'], ...rows])}${rest > 0 ? `and ${rest} more\n` : ''}`;
}

function describeWarning({ message, paths, count: all }: TrainingWarning): string {
  const shown = paths.slice(0, SHOWN_PATHS).map((path) => `  ${oneLine(path)}\n`);
  const rest = all - shown.length;
  return `Note: ${oneLine(message)}\n${shown.join('')}${rest > 0 && shown.length > 0 ? `  and ${rest} more\n` : ''}`;
}

function pictures({ pictures: { learned, held } }: { pictures: PictureCounts }): string {
  return `${count(learned, 'picture')} to learn from, ${held.toLocaleString('en')} held out`;
}

/** One line of progress: an epoch, what the hold-out said behind it, and what was left out where something was. */
export function describeEpoch(report: EpochReport): string {
  const { epoch, losses, accuracy, holdout, tokensKept, directionsKept, seconds } = report;
  const parts = [`epoch ${epoch}`, `loss ${losses.total.toFixed(3)}`, `accuracy ${percent(accuracy)}`];
  if (holdout !== undefined) parts.push(`hold-out ${percent(holdout.score)}`);
  if (tokensKept < 1) parts.push(`patches ${percent(tokensKept)}`);
  if (directionsKept < 1) parts.push(`scans ${percent(directionsKept)}`);
  return [...parts, duration(seconds)].join('  ');
}

/** How far a training got that was paused, and how it goes on. */
export function describePause({ training, epochs, recipe }: TrainingDetails): string {
  const { id, reason, best } = training;
  const right = isDenseTask(training.task) ? '' : ' right';
  const at =
    best === undefined
      ? ''
      : `, the best with ${scoreText(training.task, best.score)} of the hold-out${right}`;
  return [
    `Training ${id} is paused: ${epochs.length} of ${count(recipe.epochs, 'epoch')} done and saved${at}.`,
    ...(reason === undefined ? [] : [`${oneLine(reason)}.`]),
    `Go on with \`winnow train --resume ${id}\`.`,
    '',
  ].join('\n');
}

const SHOWN_EPOCHS = 20;

function describeEpochs(epochs: readonly EpochReport[]): string {
  if (epochs.length === 0) return '';
  const rows = epochs
    .slice(-SHOWN_EPOCHS)
    .map(({ epoch, losses, accuracy, holdout, learningRate, seconds }) => [
      String(epoch),
      losses.total.toFixed(3),
      percent(accuracy),
      holdout === undefined ? '-' : percent(holdout.score),
      String(rounded(learningRate)),
      duration(seconds),
    ]);
  return `\n${table([['EPOCH', 'LOSS', 'ACCURACY', 'HOLD-OUT', 'RATE', 'TIME'], ...rows])}`;
}

/** To three significant digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** A training as it stands: what it learned from, how it went, and what came out. */
export function describeTraining(details: TrainingDetails): string {
  return `${describeFacts(details)}${describeEpochs(details.epochs)}${describeOutcome(details)}`;
}

/** The same in short, for whoever has seen the epochs go by. */
export function describeResult(details: TrainingDetails): string {
  return `${describeFacts(details)}${describeOutcome(details)}`;
}

function describeFacts(details: TrainingDetails): string {
  const { training, epochs, recipe } = details;
  const { id, task, name, method, from, source, state, reason, best, model } = training;
  return table([
    ['training', `${id}, ${state}${reason === undefined ? '' : `: ${oneLine(reason)}`}`],
    ['method', from === undefined ? method : `${method} from ${from}`],
    ['pictures', `${pictures(details)}, of ${oneLine(source)}`],
    ...(epochs.length > 0 ? [['epochs', `${epochs.length} of ${recipe.epochs}`]] : []),
    ...(best === undefined
      ? []
      : [['best', `${scoreText(task, best.score)} of the hold-out in epoch ${best.epoch}`]]),
    [model === undefined ? 'name' : 'model', oneLine(model ?? name)],
  ]);
}

/** With its name, unless it is a share of pictures. */
function scoreText(task: TaughtTask, score: number): string {
  return `${isDenseTask(task) ? `${TRAINING_SCORES[task]} ` : ''}${percent(score)}`;
}

/** What each position of the dial gives. */
function describeDial(
  name: string,
  points: readonly { tokenKeep: number; score: number; blockKeep: number; workShare: number }[],
): string {
  const rows = points.map(({ tokenKeep, score, blockKeep, workShare }) => [
    String(Number(tokenKeep.toFixed(3))),
    percent(score),
    blockKeep.toFixed(3),
    percent(workShare),
  ]);
  return `\n${table([['KEEP', name, 'BLOCKS', 'WORK'], ...rows])}`;
}

/** Each class that there is room for: its score, and how much of it is marked. */
function describeMarked(
  head: string[],
  scores: { score?: number | undefined; marked: number }[],
  { classes }: TrainingDetails,
) {
  const rows = scores
    .map(({ score, marked }, index) => [
      oneLine(classes[index]?.name ?? ''),
      score === undefined ? '-' : percent(score),
      marked.toLocaleString('en'),
    ])
    .slice(0, SHOWN_CLASSES);
  const rest = scores.length - rows.length;
  return `\n${table([['CLASS', ...head], ...rows])}${rest > 0 ? `and ${rest} more\n` : ''}`;
}

/** The pairs that are taken for each other most often. */
function describeConfusion(
  confusion: readonly number[][],
  names: readonly string[],
  counted: string,
): string {
  const pairs = confusion
    .flatMap((row, truth) => row.map((amount, guess) => ({ truth, guess, amount })))
    .filter(({ truth, guess, amount }) => truth !== guess && amount > 0)
    .sort((one, other) => other.amount - one.amount)
    .slice(0, SHOWN_CONFUSIONS)
    .map(({ truth, guess, amount }) => [names[truth] ?? '', names[guess] ?? '', String(amount)]);
  if (pairs.length === 0) return '';
  return `\n${table([['IS', 'TAKEN FOR', counted], ...pairs.map((row) => row.map(oneLine))])}`;
}

const NOTHING = '(nothing)'; // where there is no object, or none was found

function describeFound(found: MarkedOutcome, details: TrainingDetails): string {
  const on = `on ${count(found.images, 'picture')} of the hold-out`;
  if (!areOfDetection(found)) {
    const scores = found.perClass.map(({ iou, pixels }) => ({ score: iou, marked: pixels }));
    return [
      `\nmIoU ${percent(found.score)} ${on}; ${percent(found.pixelAccuracy)} of the marked pixels right\n`,
      describeDial('MIOU', found.curve),
      describeMarked(['IOU', 'MARKED PIXELS'], scores, details),
    ].join('');
  }
  const { score, ap, maskAp50, maskAp, perClass, confusion = [], curve } = found;
  const scores = perClass.map(({ ap50, objects }) => ({ score: ap50, marked: objects }));
  const masks =
    maskAp50 === undefined ? '' : `; of masks AP50 ${percent(maskAp50)}, AP ${percent(maskAp ?? 0)}`;
  const names = [...details.classes.map(({ name }) => name), NOTHING];
  return [
    `\nAP50 ${percent(score)} ${on}, AP ${percent(ap)}${masks}\n`,
    describeDial('AP50', curve),
    describeMarked(['AP50', 'MARKED OBJECTS'], scores, details),
    describeConfusion(confusion, names, 'OBJECTS'),
  ].join('');
}

function describeOutcome(details: TrainingDetails): string {
  const { training, result, found, head, classes } = details;
  if (found !== undefined) return describeFound(found, details);
  if (result === undefined) return '';
  const { images, top1, parentTop1, curve, calibrationError, confusion } = result;
  const before =
    parentTop1 === undefined ? '' : `, of its parent ${training.from ?? ''} ${percent(parentTop1)}`;
  return [
    `\n${percent(top1)} of ${count(images, 'picture')} of the hold-out right${before}; confidence is off by ${percent(calibrationError)} on average\n`,
    ...(head === undefined ? [] : [`head: ${headText(head)}\n`]),
    describeDial(
      'TOP-1',
      curve.map(({ top1, ...point }) => ({ ...point, score: top1 })),
    ),
    describeConfusion(
      confusion,
      classes.map(({ name }) => name),
      'PICTURES',
    ),
  ].join('');
}

/** All trainings, one a line. */
export function describeTrainings(trainings: readonly Training[]): string {
  if (trainings.length === 0) return 'There are no trainings yet.\n';
  const rows = trainings.map(({ id, name, method, from, state, best, createdAt }) => [
    String(id),
    oneLine(name),
    method,
    from ?? '-',
    state,
    best === undefined ? '-' : percent(best.score),
    createdAt.slice(0, 16).replace('T', ' '),
  ]);
  return table([['NUMBER', 'MODEL', 'METHOD', 'FROM', 'STATE', 'HOLD-OUT', 'BEGUN'], ...rows]);
}

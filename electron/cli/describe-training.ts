import type { Training, TrainingDetails, TrainingOutcome, TrainingPlan } from '../shared/api/training.ts';
import type { EpochReport, TrainingClass, TrainingRecipe, TrainingWarning } from '../shared/training.ts';
import { count, duration, oneLine, percent, quantity, ratios, table } from './format.ts';

const SHOWN_CLASSES = 20;
const SHOWN_PATHS = 3;
const SHOWN_CONFUSIONS = 5;

/** What a training would be, before it starts. */
export function describePlan(plan: TrainingPlan): string {
  const { classes, recipe, method, name, from, steps, seconds, parameters } = plan;
  const facts = [
    ['model', `${name}, ${quantity(parameters)} parameters`],
    ['method', from === undefined ? method : `${method} from ${from.name}`],
    ['pictures', pictures(classes)],
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
    ['rate', `up to ${learningRate.rate}, ${learningRate.warmUpEpochs} epochs of warm-up`],
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

function pictures(classes: readonly TrainingClass[]): string {
  const sum = (key: 'images' | 'holdout') => classes.reduce((total, one) => total + one[key], 0);
  return `${count(sum('images'), 'picture')} to learn from, ${sum('holdout').toLocaleString('en')} held out`;
}

/** One line of progress: an epoch and what the hold-out said behind it. */
export function describeEpoch({ epoch, losses, accuracy, holdout, seconds }: EpochReport): string {
  const tested = holdout === undefined ? '' : `  hold-out ${percent(holdout.top1)}`;
  return `epoch ${epoch}  loss ${losses.total.toFixed(3)}  accuracy ${percent(accuracy)}${tested}  ${duration(seconds)}`;
}

/** A training as it stands: what it learned from, how it went, and what came out. */
export function describeTraining({ training, classes, epochs, result, recipe }: TrainingDetails): string {
  const { id, name, method, from, state, reason, best, model } = training;
  const facts = [
    ['training', `${id}, ${state}${reason === undefined ? '' : `: ${oneLine(reason)}`}`],
    ['method', from === undefined ? method : `${method} from ${from}`],
    ['pictures', pictures(classes)],
    ...(epochs.length > 0 ? [['epochs', `${epochs.length} of ${recipe.epochs}`]] : []),
    ...(best === undefined ? [] : [['best', `${percent(best.top1)} of the hold-out in epoch ${best.epoch}`]]),
    [model === undefined ? 'name' : 'model', oneLine(model ?? name)],
  ];
  const outcome = result === undefined ? '' : describeOutcome(result, classes);
  return `${table(facts)}${outcome}`;
}

function describeOutcome(result: TrainingOutcome, classes: readonly TrainingClass[]): string {
  const { images, top1, curve, calibrationError, confusion } = result;
  const dial = curve.map((point) => [
    ...[String(Number(point.tokenKeep.toFixed(3))), percent(point.top1)],
    ...[point.blockKeep.toFixed(3), percent(point.workShare)],
  ]);
  const pairs = confusion
    .flatMap((row, truth) => row.map((amount, guess) => ({ truth, guess, amount })))
    .filter(({ truth, guess, amount }) => truth !== guess && amount > 0)
    .sort((one, other) => other.amount - one.amount)
    .slice(0, SHOWN_CONFUSIONS)
    .map(({ truth, guess, amount }) => [
      classes[truth]?.name ?? '',
      classes[guess]?.name ?? '',
      String(amount),
    ]);
  return [
    `\n${percent(top1)} of ${count(images, 'picture')} of the hold-out right; confidence is off by ${percent(calibrationError)} on average\n`,
    `\n${table([['KEEP', 'TOP-1', 'BLOCKS', 'WORK'], ...dial])}`,
    ...(pairs.length > 0
      ? [`\n${table([['IS', 'TAKEN FOR', 'PICTURES'], ...pairs.map((row) => row.map(oneLine))])}`]
      : []),
  ].join('');
}

/** All trainings, one a line. */
export function describeTrainings(trainings: readonly Training[]): string {
  if (trainings.length === 0) return 'There are no trainings yet.\n';
  const rows = trainings.map(({ id, name, method, from, state, best, createdAt }) => [
    ...[String(id), oneLine(name), method, from ?? '-', state],
    ...[best === undefined ? '-' : percent(best.top1), createdAt.slice(0, 16).replace('T', ' ')],
  ]);
  return table([['NUMBER', 'MODEL', 'METHOD', 'FROM', 'STATE', 'HOLD-OUT', 'BEGUN'], ...rows]);
}

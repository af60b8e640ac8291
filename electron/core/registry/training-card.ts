import type { Trained, TrainedDetector, TrainedSegmenter } from '../../shared/model-package.ts';
import { areOfDetection, TRAINING_SCORES } from '../../shared/training.ts';
import type { HeadChoice, HeadKind } from '../../shared/training.ts';
import { table } from '../../shared/table.ts';

const MOST_CONFUSIONS = 5; // pairs of classes
const MOST_EPOCHS = 10;
const MOST_CLASSES = 20;

const METHODS: Record<Trained['method'], string> = {
  head: 'a new head on the features of',
  'fine-tune': 'all weights, from',
  distill: 'distilled from',
  scratch: 'from scratch',
};

const HEADS: Record<HeadKind, string> = {
  logistic: 'logistic regression',
  'class-mean': 'nearest class mean',
  cosine: 'smallest angle',
};

/** Which head few pictures gave, and how each of those compared did on pictures that were left out of it. */
export function headText({ kind, folds, trials }: HeadChoice): string {
  const results = trials.map((trial) => `${HEADS[trial.kind]} ${percent(trial.accuracy)}`);
  return `${HEADS[kind]}; right of pictures left out, in ${folds} folds: ${results.join(', ')}`;
}

type Rows = [string, string][];

/** The same of a dense model; classes may share pictures. */
export function markedCard(training: TrainedSegmenter | TrainedDetector): string {
  const { seed, holdout, classes, epochs } = training;
  const { score, rows, perClass } = areOfDetection(holdout)
    ? detectionPart(holdout)
    : segmentationPart(holdout);
  const facts: Rows = [
    ...originRows(training),
    ['Recipe', recipeText(training)],
    ['Seed', String(seed)],
    ['Hold-out', `${score} ${percent(holdout.score)} on ${holdout.images} pictures at Balanced`],
    ...rows,
  ];
  const shown = classes.slice(0, MOST_CLASSES).map(({ name, images, holdout: held }, index) => {
    const own = perClass[index];
    return [name, String(images), String(held), own === undefined ? '' : percent(own)];
  });
  return [
    textOf(facts),
    curveTable(score, holdout.curve),
    epochTable(epochs),
    section(['Class', 'Learned', 'Held out', score === 'mIoU' ? 'IoU' : score], shown),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

interface MarkedPart {
  score: string; // its name
  rows: Rows;
  perClass: (number | undefined)[];
}

function segmentationPart({ pixelAccuracy, perClass }: TrainedSegmenter['holdout']): MarkedPart {
  return {
    score: TRAINING_SCORES.segmentation,
    rows: [['Pixels', `${percent(pixelAccuracy)} of the marked ones right`]],
    perClass: perClass.map(({ iou }) => iou),
  };
}

function detectionPart({ ap, maskAp50, maskAp, perClass }: TrainedDetector['holdout']): MarkedPart {
  const rows: Rows = [['AP', `${percent(ap)}, the mean over IoU 0.5 to 0.95`]];
  if (maskAp50 !== undefined) rows.push(['Masks', `AP50 ${percent(maskAp50)}, AP ${percent(maskAp ?? 0)}`]);
  return { score: TRAINING_SCORES.detection, rows, perClass: perClass.map(({ ap50 }) => ap50) };
}

/** What a model was trained from. */
function originRows({ method, parent }: Pick<Trained, 'method' | 'parent'>): Rows {
  if (parent === undefined) return [['Trained', METHODS[method]]];
  return [
    ['Trained', `${METHODS[method]} ${parent.name}`],
    ['SHA-256 of it', parent.sha256],
  ];
}

const textOf = (rows: Rows) => rows.map(([label, text]) => `${label.padEnd(17)}${text}\n`).join('');

/** How a model was trained and what it does with pictures that it has not learned from, as lines of text. */
export function trainingCard(training: Trained): string {
  const { head, seed, holdout, classes, epochs } = training;
  const sum = (key: 'images' | 'holdout') => classes.reduce((total, one) => total + one[key], 0);
  const rows: Rows = [
    ...originRows(training),
    ['Recipe', recipeText(training)],
    ...(head === undefined ? [] : [['Head', headText(head)] satisfies [string, string]]),
    ['Seed', String(seed)],
    ['Pictures', `${sum('images')} learned from, ${sum('holdout')} held out, ${classes.length} classes`],
    [
      'Hold-out',
      `${percent(holdout.top1)} of ${holdout.images} right at Balanced${holdout.parentTop1 === undefined ? '' : `; its parent ${percent(holdout.parentTop1)}`}`,
    ],
    ['Confidence', `off by ${percent(holdout.calibrationError)} on average`],
  ];
  return [
    textOf(rows),
    curveTable(
      'Top-1',
      holdout.curve.map(({ top1, ...point }) => ({ ...point, score: top1 })),
    ),
    epochTable(epochs.map(({ top1, ...epoch }) => ({ ...epoch, score: top1 }))),
    classTable(training),
    confusionTable(training),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function recipeText({
  method,
  head,
  recipe,
  best,
}: Pick<Trained, 'method' | 'head' | 'recipe' | 'best'>): string {
  if (method === 'head')
    return (head?.kind ?? 'logistic') === 'logistic'
      ? 'solved to its optimum'
      : 'computed from the means of the classes';
  const { name, epochs, batch, learningRate, freezesBackbone } = recipe;
  const kept = best === undefined ? '' : `, epoch ${best} kept`;
  const frozen = freezesBackbone === true ? ', the backbone as it was' : '';
  return `${name}: ${epochs} epochs, batch ${batch}, learning rate ${Number(learningRate.toPrecision(3))}${frozen}${kept}`;
}

function curveTable(name: string, curve: TrainedSegmenter['holdout']['curve']): string {
  const rows = curve.map(({ tokenKeep, score, blockKeep, workShare }) => {
    const keep = String(Number(tokenKeep.toFixed(3)));
    return [keep, percent(score), blockKeep.toFixed(3), percent(workShare)];
  });
  return section(['Keep', name, 'Blocks', 'Work'], rows);
}

function epochTable(epochs: TrainedSegmenter['epochs']): string {
  const step = Math.ceil(epochs.length / MOST_EPOCHS);
  const shown = epochs.filter((_, index) => (epochs.length - 1 - index) % Math.max(1, step) === 0);
  const rows = shown.map(({ epoch, loss, accuracy, score }) => {
    return [String(epoch), loss.toFixed(3), percent(accuracy), score === undefined ? '' : percent(score)];
  });
  return section(['Epoch', 'Loss', 'Accuracy', 'Hold-out'], rows);
}

function classTable({ classes, holdout }: Trained): string {
  const shown = classes.slice(0, MOST_CLASSES);
  const rows = shown.map(({ name, images, holdout: held }, index) => {
    const row = holdout.confusion?.[index] ?? [];
    const tested = row.reduce((sum, count) => sum + count, 0);
    const right = tested === 0 ? '' : percent((row[index] ?? 0) / tested);
    return [name, String(images), String(held), right];
  });
  const others = classes.length - shown.length;
  const listed = section(['Class', 'Learned', 'Held out', 'Right'], rows);
  return others === 0 ? listed : `${listed}and ${others} more\n`;
}

/** The pairs that are confused most often. */
function confusionTable({ classes, holdout }: Trained): string {
  const pairs = (holdout.confusion ?? []).flatMap((row, truth) =>
    row.flatMap((count, predicted) =>
      truth === predicted || count === 0 ? [] : [{ truth, predicted, count }],
    ),
  );
  const most = pairs.sort((one, other) => other.count - one.count).slice(0, MOST_CONFUSIONS);
  const name = (index: number) => classes[index]?.name ?? '';
  const rows = most.map(({ truth, predicted, count }) => [name(truth), name(predicted), String(count)]);
  return section(['Is', 'Taken for', 'Pictures'], rows);
}

/** A table; '' without rows. */
function section(head: string[], rows: string[][]): string {
  return rows.length === 0 ? '' : table([head, ...rows]);
}

function percent(value: number): string {
  return `${(value * 100).toFixed(1)} %`;
}

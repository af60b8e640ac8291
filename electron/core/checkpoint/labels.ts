import { fileURLToPath } from 'node:url';
import { AppError } from '../../shared/errors.ts';
import type { Label, Manifest } from '../../shared/model-package.ts';
import { readRegularFile } from '../files/regular-file.ts';
import type { StateDict } from './state-dict.ts';

type ClassCount = Pick<Manifest, 'task' | 'classes'>;
type Labelled = Pick<StateDict, 'args' | 'labels'>;

const MAX_LABEL_FILE_BYTES = 8 * 2 ** 20;

/** A name that only numbers its class, as makers of test data write. */
const NUMBERED = /^class[ _-]?\d+$/i;

/**
 * The names of a model's classes, in class order: from a file when one is given; else those that everyone who made such a
 * model means; else `class 0`, `class 1`, ... Rejects with NOT_FOUND or BAD_ARGUMENT.
 */
export async function labelsFor(
  model: ClassCount,
  path: string | undefined,
  state: Labelled,
): Promise<Label[]> {
  const known = path ?? knownLabels(model, state);
  if (typeof known === 'string') return readLabels(known, model.classes);
  return known ?? Array.from({ length: model.classes }, (_, index) => ({ name: `class ${index}` }));
}

interface BundledList extends ClassCount {
  file: string; // in resources/labels
  dataSet?: RegExp; // what the checkpoint must name as the data set that it was trained on
}

/** The lists of names that come with Winnow, by the models that they are of. */
const BUNDLED: readonly BundledList[] = [
  { task: 'classification', classes: 1000, file: 'imagenet-1k.tsv' },
  { task: 'classification', classes: 10, file: 'cifar-10.txt', dataSet: /cifar/i },
  { task: 'segmentation', classes: 150, file: 'ade20k-150.tsv' },
  { task: 'detection', classes: 80, file: 'coco-80.tsv' },
];

/**
 * The labels that the checkpoint records, or the path of the bundled list that its classes call for. Undefined when nobody
 * knows their names.
 */
export function knownLabels(
  { task, classes }: ClassCount,
  { args, labels }: Labelled,
): Label[] | string | undefined {
  if (labels?.length === classes && !labels.every(({ name }) => NUMBERED.test(name))) return labels;
  const dataSet = args.text('data_set') ?? args.text('dataset') ?? '';
  const list = BUNDLED.find(
    ({ dataSet: trainedOn, ...model }) =>
      model.task === task &&
      model.classes === classes &&
      (trainedOn === undefined || trainedOn.test(dataSet)),
  );
  return list && bundledLabels(list.file);
}

/** The path of a list of names that comes with Winnow. */
export function bundledLabels(file: string): string {
  return fileURLToPath(new URL(`../../../resources/labels/${file}`, import.meta.url));
}

/**
 * Reads one label per line: `name`, `synset<TAB>name` or `id<TAB>name`, where an id is a whole number; a colour may follow
 * behind a tab, as `#rrggbb`.
 */
async function readLabels(path: string, classes: number): Promise<Label[]> {
  const text = await readText(path);
  const lines = text
    .replace(/^\uFEFF/, '')
    .trimEnd()
    .split(/\r?\n/);
  if (lines.length !== classes) {
    throw new AppError(
      'BAD_ARGUMENT',
      `The labels file ${path} has ${lines.length} lines for ${classes} classes`,
    );
  }
  return lines.map((line, index) => parseLabel(line, `line ${index + 1} of the labels file ${path}`));
}

async function readText(path: string): Promise<string> {
  try {
    return (await readRegularFile(path, 'labels', MAX_LABEL_FILE_BYTES)).toString('utf8');
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('NOT_FOUND', `The labels file ${path} cannot be read`, 'Check the path.', { cause });
  }
}

function parseLabel(line: string, place: string): Label {
  const [, text = line, colour] = /^(.*)\t\s*(#[0-9a-f]{6})\s*$/i.exec(line) ?? [];
  const tab = text.indexOf('\t');
  const name = text.slice(tab + 1).trim();
  if (name === '') throw new AppError('BAD_ARGUMENT', `There is no label in ${place}`);
  const key = tab < 0 ? '' : text.slice(0, tab).trim();
  return {
    name,
    ...(key === '' ? {} : /^\d{1,9}$/.test(key) ? { id: Number(key) } : { synset: key }),
    ...(colour === undefined ? {} : { colour: colour.toLowerCase() }),
  };
}

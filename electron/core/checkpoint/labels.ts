import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../shared/errors.ts';
import type { Label } from '../../shared/model-package.ts';
import type { TrainingArgs } from './training-args.ts';

const MAX_LABEL_FILE_BYTES = 8 * 2 ** 20;

const IMAGENET = fileURLToPath(new URL('../../../resources/labels/imagenet-1k.tsv', import.meta.url));
const CIFAR10 = fileURLToPath(new URL('../../../resources/labels/cifar-10.txt', import.meta.url));

/**
 * The names of a model's classes, in class order: from a file when one is given; else ImageNet's for 1,000 classes,
 * CIFAR-10's for 10 classes of a model trained on CIFAR; else `class 0`, `class 1`, ...
 * Rejects with NOT_FOUND or BAD_ARGUMENT.
 */
export async function labelsFor(
  classes: number,
  path: string | undefined,
  args: TrainingArgs,
): Promise<Label[]> {
  const file = path ?? bundledLabels(classes, args);
  if (file !== undefined) return readLabels(file, classes);
  return Array.from({ length: classes }, (_, index) => ({ name: `class ${index}` }));
}

/** The labels file of Winnow that a checkpoint's classes call for; undefined when nobody knows their names. */
export function bundledLabels(classes: number, args: TrainingArgs): string | undefined {
  if (classes === 1000) return IMAGENET;
  const dataSet = args.text('data_set') ?? args.text('dataset') ?? '';
  return classes === 10 && /cifar/i.test(dataSet) ? CIFAR10 : undefined;
}

/** Reads one label per line, `name` or `synset<TAB>name`. */
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
    const { size } = await stat(path);
    if (size > MAX_LABEL_FILE_BYTES) {
      throw new AppError('BAD_ARGUMENT', `The labels file ${path} has ${size} bytes, more than labels take`);
    }
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('NOT_FOUND', `The labels file ${path} cannot be read`, 'Check the path.', { cause });
  }
}

function parseLabel(line: string, place: string): Label {
  const tab = line.indexOf('\t');
  const name = line.slice(tab + 1).trim();
  if (name === '') throw new AppError('BAD_ARGUMENT', `There is no label in ${place}`);
  const synset = tab < 0 ? '' : line.slice(0, tab).trim();
  return synset === '' ? { name } : { name, synset };
}

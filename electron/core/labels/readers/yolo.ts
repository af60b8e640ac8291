import { basename, dirname, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { shortened } from '../../../shared/shortened.ts';
import { withoutExtension } from '../../export/output-names.ts';
import type { LabelFormat, LabelSink, LabelSource, ReadOptions } from '../label-format.ts';
import { latinNotice, readWholeText } from '../label-text.ts';
import { isSideFile } from '../side-files.ts';
import { yolo as exported } from '../../export/yolo.ts';

/** YOLO's label files in a folder, with the names of the classes beside them; boxes and polygons. */
export const yolo: LabelFormat = {
  name: exported.name,
  about: 'YOLO: a folder of label files, with data.yaml or classes.txt',
  perFile: true,
  recognise: ({ path, start }) => isYaml(path) || (/\.txt$/i.test(path) && isLabelText(start)),
  read,
};

const BOX = 4; // numbers of a box
const LARGEST = 64 * 2 ** 20; // bytes of one label file, which has a line per object
const isYaml = (path: string) => /\.ya?ml$/i.test(path);

const isNameList = (path: string) => /^(classes\.txt|obj\.names|_darknet\.labels)$/i.test(basename(path));

/** Whether a folder has a list of the classes' names. */
export function hasClassNames(files: readonly string[]): boolean {
  return files.some((file) => isYaml(file) || isNameList(file));
}

const numbersOf = (line: string) =>
  line
    .trim()
    .split(/[\s,]+/)
    .map(Number);

/** Whether a text begins with a line as label files have them: a class, and four numbers or more. */
function isLabelText(start: string): boolean {
  const line = start.trimStart().split(/[\r\n]/, 1)[0] ?? '';
  const [classIndex = NaN, ...values] = numbersOf(line);
  return Number.isSafeInteger(classIndex) && values.length >= 4 && values.every(Number.isFinite);
}

/** The label files: below folders called `labels` where there are any, else all text files. */
function labelFiles(files: readonly string[]): string[] {
  const texts = files.filter((file) => /\.txt$/i.test(file) && !isSideFile(file));
  const inside = texts.filter((file) => file.split('/').slice(0, -1).includes('labels'));
  return inside.length > 0 ? inside : texts;
}

async function read(source: LabelSource, sink: LabelSink, { onProgress }: ReadOptions): Promise<void> {
  sink.task('detection');
  const folder = source.files === undefined ? dirname(source.path) : source.path;
  if (source.files === undefined) throw nameFolder(source.path, folder);
  const onLatin = (file: string) => () => sink.notice(latinNotice(join(folder, file)));
  const { names, points } = await readNames(folder, source.files, (file) =>
    readWholeText(join(folder, file), LARGEST, onLatin(file)),
  );
  for (const [index, name] of names) sink.class(String(index), name, index);
  if (names.size === 0)
    sink.notice(
      `${folder} has neither data.yaml nor classes.txt with names, so classes are called by their numbers.`,
    );
  const files = labelFiles(source.files);
  const unnamed = new Set<number>();
  for (const [index, file] of files.entries()) {
    onProgress(index, files.length);
    // `labels` stands where the pictures have `images`.
    const name = withoutExtension(file)
      .split('/')
      .map((part, depth, parts) => (part === 'labels' && depth < parts.length - 1 ? 'images' : part))
      .join('/');
    sink.image({ key: file, name, isStem: true }, file);
    const text = await readWholeText(join(folder, file), LARGEST, onLatin(file));
    for (const [line, content] of text.split(/\r\n|\r|\n/).entries()) {
      if (content.trim() === '') continue;
      const numbers = numbersOf(content);
      if (points > 0 && numbers.length === 1 + BOX + points) numbers.length = 1 + BOX;
      const classIndex = readLine(numbers, file, `${file}, line ${line + 1}`, sink);
      if (classIndex !== undefined && !names.has(classIndex)) unnamed.add(classIndex);
    }
  }
  onProgress(files.length, files.length);
  for (const index of unnamed) sink.class(String(index), `class ${index}`, index);
  if (names.size > 0 && unnamed.size > 0)
    sink.notice(`The numbers of classes ${[...unnamed].slice(0, 5).join(', ')} have no name in the list.`);
}

function nameFolder(path: string, folder: string): AppError {
  return new AppError(
    'BAD_ARGUMENT',
    `Expected a folder of YOLO label files, but ${path} is a file`,
    `Name the folder ${folder}.`,
  );
}

/**
 * A line: class, centre and size of a box as shares of the sides, and a score where there is one; or class and the corners of a
 * polygon. Returns the class's number; undefined for a line that is none.
 */
function readLine(
  [classIndex = NaN, ...values]: readonly number[],
  key: string,
  where: string,
  sink: LabelSink,
): number | undefined {
  if (
    !Number.isSafeInteger(classIndex) ||
    classIndex < 0 ||
    values.some((value) => !Number.isFinite(value))
  ) {
    sink.skip('badEntry', where);
    return undefined;
  }
  const classId = String(classIndex);
  if (values.length === 4 || values.length === 5) {
    const [x = 0, y = 0, width = 0, height = 0, score] = values;
    const box = { x: x - width / 2, y: y - height / 2, width, height };
    sink.box({ key, classId, score, box, isShare: true }, where);
  } else if (values.length >= 6 && values.length % 2 === 0) {
    sink.box({ key, classId, box: undefined, isShare: true, mask: [values] }, where);
  } else {
    sink.skip('badEntry', where);
    return undefined;
  }
  return classIndex;
}

const namesSchema = z.object({
  names: z.union([z.array(z.coerce.string()), z.record(z.string(), z.coerce.string())]),
  kpt_shape: z.tuple([z.int().positive(), z.int().positive()]).optional().catch(undefined),
});

interface Named {
  names: Map<number, string>;
  points: number; // numbers behind each box, of a data set of poses
}

/** Names by number, from the first file that has them. */
async function readNames(
  folder: string,
  files: readonly string[],
  readText: (file: string) => Promise<string>,
): Promise<Named> {
  const depth = (file: string) => file.split('/').length;
  const shallow = files.toSorted((one, other) => depth(one) - depth(other));
  for (const file of shallow.filter(isYaml)) {
    const named = namesInYaml(await readText(file), join(folder, file));
    if (named !== undefined) return named;
  }
  const list = shallow.find(isNameList);
  if (list === undefined) return { names: new Map(), points: 0 };
  const lines = (await readText(list)).split(/\r\n|\r|\n/).map((line) => line.trim());
  while (lines.at(-1) === '') lines.pop();
  const names = new Map(lines.map((line, index) => [index, line === '' ? `class ${index}` : line]));
  return { names, points: 0 };
}

function namesInYaml(text: string, path: string): Named | undefined {
  let content: unknown;
  try {
    content = parse(text, { maxAliasCount: 0, schema: 'core', logLevel: 'error' });
  } catch (error) {
    const reason = error instanceof Error ? shortened(error.message.split('\n')[0] ?? '') : String(error);
    throw new AppError(
      'BAD_ARGUMENT',
      `Expected the names of classes in ${path}, but it is no YAML: ${reason}`,
    );
  }
  const { data } = namesSchema.safeParse(content);
  if (data === undefined) return undefined;
  const [points = 0, each = 0] = data.kpt_shape ?? [];
  const names = new Map(Object.entries(data.names).map(([index, name]) => [Number(index), name]));
  return { names, points: points * each };
}

import { basename, dirname, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { shortened } from '../../../shared/shortened.ts';
import { withoutExtension } from '../../export/output-names.ts';
import type { LabelFormat, LabelSink, LabelSource, ReadOptions } from '../label-format.ts';
import { latinNotice, readWholeText } from '../label-text.ts';
import { yolo as exported } from '../../export/yolo.ts';

/** YOLO's label files in a folder, with the names of the classes beside them; boxes and polygons. */
export const yolo: LabelFormat = {
  name: exported.name,
  about: 'YOLO: a folder of label files, with data.yaml or classes.txt',
  recognise: ({ files = [], path }) => (files.length > 0 && labelFiles(files).length > 0) || isYaml(path),
  read,
};

const LARGEST = 64 * 2 ** 20; // bytes of one label file, which has a line per object
const NOT_LABELS = new Set([
  'classes.txt',
  'obj.names',
  'readme.txt',
  'labels.txt',
  'train.txt',
  'val.txt',
  'test.txt',
  'requirements.txt',
  'notes.txt',
]);
const isYaml = (path: string) => /\.ya?ml$/i.test(path);

/** The label files: below folders called `labels` where there are any, else all text files. */
function labelFiles(files: readonly string[]): string[] {
  const texts = files.filter((file) => /\.txt$/i.test(file) && !NOT_LABELS.has(basename(file).toLowerCase()));
  const inside = texts.filter((file) => file.split('/').slice(0, -1).includes('labels'));
  return inside.length > 0 ? inside : texts;
}

async function read(source: LabelSource, sink: LabelSink, { onProgress }: ReadOptions): Promise<void> {
  sink.task('detection');
  const folder = source.files === undefined ? dirname(source.path) : source.path;
  if (source.files === undefined) throw nameFolder(source.path, folder);
  const onLatin = (file: string) => () => sink.notice(latinNotice(join(folder, file)));
  const names = await readNames(folder, source.files, (file) =>
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
      const classIndex = readLine(content, file, `${file}, line ${line + 1}`, sink);
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
function readLine(content: string, key: string, where: string, sink: LabelSink): number | undefined {
  const [classIndex = NaN, ...values] = content
    .trim()
    .split(/[\s,]+/)
    .map(Number);
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
});

/** Names by number, from the first file that has them. */
async function readNames(
  folder: string,
  files: readonly string[],
  readText: (file: string) => Promise<string>,
): Promise<Map<number, string>> {
  const depth = (file: string) => file.split('/').length;
  const shallow = files.toSorted((one, other) => depth(one) - depth(other));
  for (const file of shallow.filter(isYaml)) {
    const names = namesInYaml(await readText(file), join(folder, file));
    if (names !== undefined) return names;
  }
  const list = shallow.find((file) => /^(classes\.txt|obj\.names)$/i.test(basename(file)));
  if (list === undefined) return new Map();
  const lines = (await readText(list)).split(/\r\n|\r|\n/).map((line) => line.trim());
  while (lines.at(-1) === '') lines.pop();
  return new Map(lines.map((line, index) => [index, line === '' ? `class ${index}` : line]));
}

function namesInYaml(text: string, path: string): Map<number, string> | undefined {
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
  return new Map(Object.entries(data.names).map(([index, name]) => [Number(index), name]));
}

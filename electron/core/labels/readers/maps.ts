import { parse } from 'csv-parse/sync';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import { encodeRuns } from '../../../shared/mask.ts';
import { LARGEST_MAP } from '../../evaluate/evaluate-maps.ts';
import { readClassMap } from '../../evaluate/read-png.ts';
import type { ClassMap } from '../../evaluate/read-png.ts';
import { withoutExtension } from '../../export/output-names.ts';
import { readRegularFile } from '../../files/regular-file.ts';
import type { LabelFormat, LabelSink, LabelSource, ReadOptions } from '../label-format.ts';
import { latinNotice, readWholeText } from '../label-text.ts';
import { ValueRuns } from '../value-runs.ts';
import { maps as exported } from '../../export/maps.ts';

/** PNG class maps: a pixel's value is the number of its class, 0 and the largest value are none. */
export const maps: LabelFormat = {
  name: exported.name,
  about: 'PNG class maps: a folder, with classes.csv where classes have names',
  perFile: true,
  /** Of one value a pixel: grey, or a palette's; most pictures have colours. */
  recognise: ({ path, bytes }) => isPng(path) && [0, 3].includes(bytes[COLOUR_TYPE] ?? -1),
  read,
};

const COLOUR_TYPE = 25; // where a PNG's header has it
const LARGEST_TABLE = 16 * 2 ** 20; // bytes
const isPng = (file: string) => /\.png$/i.test(file);

async function read({ path, files = [] }: LabelSource, sink: LabelSink, options: ReadOptions): Promise<void> {
  if (files.length === 0)
    throw new AppError(
      'BAD_ARGUMENT',
      `Expected a folder of PNG class maps, but ${path} holds none`,
      'Name the folder.',
    );
  sink.task('segmentation');
  const named = await readNames(path, files, sink);
  const maps = files.filter(isPng);
  const unnamed = new Set<number>();
  for (const [index, file] of maps.entries()) {
    options.onProgress(index, maps.length);
    let map: ClassMap;
    try {
      map = await readClassMap(await readRegularFile(join(path, file), 'class map', LARGEST_MAP));
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'BAD_ARGUMENT') throw error;
      sink.skip('badEntry', `${file}: ${error.message}`);
      continue;
    }
    const { width, height } = map;
    sink.image({ key: file, name: withoutExtension(file), isStem: true, size: { width, height } }, file);
    for (const [value, counts] of masksOf(map)) {
      if (!named.has(value)) unnamed.add(value);
      const mask = { size: [height, width] as [number, number], counts };
      sink.box({ key: file, classId: String(value), box: undefined, isShare: false, mask }, file);
    }
  }
  options.onProgress(maps.length, maps.length);
  for (const value of [...unnamed].sort((one, other) => one - other))
    sink.class(String(value), `class ${value}`);
  if (named.size === 0)
    sink.notice(
      `${path} has no classes.csv with the columns value and label, so classes are called by their numbers.`,
    );
}

/** The run lengths of every class in a map. */
function masksOf({ width, height, depth, values }: ClassMap): [value: number, counts: string][] {
  const ignored = depth === 16 ? 0xffff : 0xff;
  const runs = new ValueRuns();
  const close = (value: number, start: number, end: number) => {
    if (value !== 0 && value !== ignored) runs.take(value, start, end);
  };
  let [value, start] = [values[0] ?? 0, 0];
  for (let place = 0, x = 0; x < width; x++) {
    for (let y = 0; y < height; y++, place++) {
      const here = values[y * width + x] ?? 0;
      if (here === value) continue;
      close(value, start, place);
      [value, start] = [here, place];
    }
  }
  const pixels = width * height;
  close(value, start, pixels);
  return [...runs.finish(pixels)].map(([found, lengths]) => [found, encodeRuns(lengths)]);
}

/** The values that have names, which become classes in their order. */
async function readNames(path: string, files: readonly string[], sink: LabelSink): Promise<Set<number>> {
  const table = files.find((file) => /(^|\/)classes\.csv$/i.test(file));
  if (table === undefined) return new Set();
  const text = await readWholeText(join(path, table), LARGEST_TABLE, () =>
    sink.notice(latinNotice(join(path, table))),
  );
  const rows = parse(text, {
    bom: true,
    columns: true,
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  });
  const values = new Set<number>();
  for (const row of rows as Record<string, string>[]) {
    const [value, label] = [Number(row['value']), row['label']];
    if (!Number.isSafeInteger(value) || label === undefined || label === '') continue;
    values.add(value);
    sink.class(String(value), label);
  }
  return values;
}

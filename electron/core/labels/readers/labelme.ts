import { basename, dirname, join, posix } from 'node:path';
import { z } from 'zod';
import { parseBounded } from '../../../shared/bounded-json.ts';
import { AppError } from '../../../shared/errors.ts';
import { shortened } from '../../../shared/shortened.ts';
import type { Box } from '../../../shared/engine-api.ts';
import type { LabelFormat, LabelSink, LabelSource, ReadOptions } from '../label-format.ts';
import { latinNotice, readWholeText } from '../label-text.ts';

/** The JSON files of labelme: one for each picture, which may lie inside of it. */
export const labelme: LabelFormat = {
  name: 'labelme',
  about: 'labelme: a folder of JSON files',
  perFile: true,
  recognise: ({ start }) =>
    start.trimStart().startsWith('{') && /"(shapes|imageData|imagePath)"\s*:/.test(start),
  read,
};

const LARGEST = 256 * 2 ** 20; // bytes of one file
const BOUNDS = { depth: 32, containers: 2_000_000, keys: 4_000_000 };
const CORNERS_OF_CIRCLE = 64;
const POLYGONS = new Set(['polygon', 'oriented_rectangle', 'rotation']); // the last of X-AnyLabeling
const isJson = (file: string) => /\.json$/i.test(file);

const point = z.tuple([z.number(), z.number()]);
const shapeSchema = z.object({
  label: z.string().trim().min(1),
  points: z.array(point),
  shape_type: z.string().nullish(),
  score: z.number().nullish(),
});
const side = z.int().positive().nullish().catch(undefined);
const fileSchema = z.object({
  imagePath: z.string().min(1),
  imageWidth: side,
  imageHeight: side,
  shapes: z.array(z.unknown()),
  flags: z.record(z.string(), z.unknown()).nullish().catch(undefined),
});

type Point = z.infer<typeof point>;

async function read(source: LabelSource, sink: LabelSink, { onProgress }: ReadOptions): Promise<void> {
  const folder = source.files === undefined ? dirname(source.path) : source.path;
  const files = source.files?.filter(isJson) ?? [basename(source.path)];
  let [shapes, flags] = [0, 0];
  for (const [index, file] of files.entries()) {
    onProgress(index, files.length);
    const place = join(folder, file);
    const text = await readWholeText(place, LARGEST, () => sink.notice(latinNotice(place)));
    const { data } = fileSchema.safeParse(parse(text, place));
    if (data === undefined) {
      sink.skip('badEntry', file);
      continue;
    }
    const { imagePath, imageWidth: width, imageHeight: height } = data;
    const size = typeof width === 'number' && typeof height === 'number' ? { width, height } : undefined;
    const name = /^([a-z]:|[\\/])/i.test(imagePath)
      ? imagePath
      : posix.join(posix.dirname(file), imagePath.replaceAll('\\', '/'));
    sink.image({ key: file, name, size }, file);
    for (const [number, shape] of data.shapes.entries())
      readShape(shape, file, `${file}, shape ${number + 1}`, sink);
    shapes += data.shapes.length;
    for (const [flag, isSet] of Object.entries(data.flags ?? {})) {
      if (isSet !== true) continue;
      flags++;
      sink.class(flag, flag);
      sink.label({ key: file, classId: flag }, file);
    }
  }
  onProgress(files.length, files.length);
  sink.task(shapes === 0 && flags > 0 ? 'classification' : 'detection');
}

/** The content of a file without its picture. Throws BAD_ARGUMENT for what is no JSON. */
function parse(text: string, path: string): unknown {
  try {
    return parseBounded(text, BOUNDS);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const reason = shortened(error.message.replaceAll(/\s+/g, ' '));
    throw new AppError('BAD_ARGUMENT', `Expected JSON of labelme in ${path}, but it is none: ${reason}`);
  }
}

function readShape(shape: unknown, key: string, where: string, sink: LabelSink): void {
  const { data } = shapeSchema.safeParse(shape);
  if (data === undefined) {
    sink.skip('badEntry', where);
    return;
  }
  const { label, points, shape_type: type, score } = data;
  const common = { key, classId: label, score: score ?? undefined, isShare: false };
  const ring = ringOf(type ?? 'polygon', points);
  if (ring === 'box' || type === 'mask') {
    if (type === 'mask') sink.skip('badMask', where);
    sink.class(label, label);
    sink.box({ ...common, box: around(points) }, where);
  } else if (ring === undefined) {
    sink.skip('noArea', where);
  } else {
    sink.class(label, label);
    sink.box({ ...common, box: undefined, mask: [ring.flat()] }, where);
  }
}

/** The corners of a shape, or that it is a box; undefined for one without an area. */
function ringOf(type: string, points: readonly Point[]): Point[] | 'box' | undefined {
  if (type === 'rectangle') return points.length >= 2 ? 'box' : undefined;
  if (type === 'circle') return circle(points);
  return POLYGONS.has(type) && points.length >= 3 ? [...points] : undefined;
}

/** A circle by its centre and a point on it. */
function circle([centre, edge]: readonly Point[]): Point[] | undefined {
  if (centre === undefined || edge === undefined) return undefined;
  const radius = Math.hypot(edge[0] - centre[0], edge[1] - centre[1]);
  return Array.from({ length: CORNERS_OF_CIRCLE }, (_, index): Point => {
    const angle = (2 * Math.PI * index) / CORNERS_OF_CIRCLE;
    return [centre[0] + radius * Math.cos(angle), centre[1] + radius * Math.sin(angle)];
  });
}

function around(points: readonly Point[]): Box | undefined {
  if (points.length === 0) return undefined;
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

import { z } from 'zod';
import { annotationSchema, categorySchema, imageSchema } from '../../evaluate/coco-truth.ts';
import { shortJson } from '../../../shared/shortened.ts';
import { AppError } from '../../../shared/errors.ts';
import { readJsonParts } from '../json-parts.ts';
import type { LabelFormat, LabelSink, LabelSource, ReadOptions } from '../label-format.ts';
import { latinNotice, readTextPieces } from '../label-text.ts';
import { coco as exported } from '../../export/coco.ts';

/** COCO's instances: its annotations, and results of detectors that were merged with them, which have scores. */
export const coco: LabelFormat = {
  name: exported.name,
  about: 'COCO JSON: boxes, polygons, run lengths',
  perFile: false,
  recognise: ({ start }) =>
    start.trimStart().startsWith('{') && /"(images|annotations|categories)"\s*:/.test(start),
  read,
};

const scored = annotationSchema.extend({ score: z.number().optional().catch(undefined) });
/** As COCO's panoptic files say it: 0 of what has an area and no instances, such as grass. */
const named = categorySchema.extend({ isthing: z.literal([0, 1]).optional().catch(undefined) });
const idSchema = z.object({ id: z.union([z.number(), z.string()]) });

async function read({ path }: LabelSource, sink: LabelSink, { onProgress }: ReadOptions): Promise<void> {
  sink.task('detection');
  const lists = new Set<string>();
  const isThing = new Set<boolean>();
  const onLatin = () => sink.notice(latinNotice(path));
  const paths = ['$.images.*', '$.annotations.*', '$.categories.*'];
  await readJsonParts(path, readTextPieces(path, { onProgress, onLatin }), paths, (list, part, index) => {
    lists.add(list);
    const where = placeOf(list, part, index);
    if (list === 'images') readImage(part, sink, where);
    else if (list === 'categories') isThing.add(readCategory(part, sink, where));
    else readAnnotation(part, sink, where);
  });
  if (isThing.has(false) && !isThing.has(true)) sink.task('segmentation');
  if (lists.has('images')) return;
  throw new AppError(
    'BAD_ARGUMENT',
    `Expected COCO annotations in ${path}, but it has no list "images" with an entry`,
    'A list of results alone does not say which images they are about; merge it with its annotations.',
  );
}

/** Such as `annotation 17 (id 23)`. */
function placeOf(list: string, part: unknown, index: number): string {
  const { data } = idSchema.safeParse(part);
  const noun = { images: 'image', annotations: 'annotation', categories: 'category' }[list] ?? list;
  return `${noun} ${index + 1}${data === undefined ? '' : ` (id ${shortJson(data.id)})`}`;
}

function readImage(part: unknown, sink: LabelSink, where: string): void {
  const { data } = imageSchema.safeParse(part);
  if (data === undefined) {
    sink.skip('badEntry', where);
    return;
  }
  const { width, height } = data;
  const size = width === undefined || height === undefined ? undefined : { width, height };
  sink.image({ key: data.id, name: data.file_name, size }, where);
}

/** Whether a category has instances. */
function readCategory(part: unknown, sink: LabelSink, where: string): boolean {
  const { data } = named.safeParse(part);
  const number = Number(data?.id);
  if (data === undefined) sink.skip('badEntry', where);
  else sink.class(data.id, data.name, Number.isSafeInteger(number) ? number : undefined);
  return data?.isthing !== 0;
}

function readAnnotation(part: unknown, sink: LabelSink, where: string): void {
  const { data } = scored.safeParse(part);
  if (data === undefined) {
    sink.skip('badEntry', where);
    return;
  }
  const { image_id: key, category_id: classId, bbox, segmentation, score } = data;
  if (bbox === undefined && segmentation?.shape === undefined) {
    sink.skip('badBox', where);
    return;
  }
  if (segmentation?.problem !== undefined) sink.skip('badMask', where);
  const [x = 0, y = 0, width = 0, height = 0] = bbox ?? [];
  const box = bbox === undefined ? undefined : { x, y, width, height };
  sink.box({ key, classId, score, box, isShare: false, mask: segmentation?.shape }, where);
}

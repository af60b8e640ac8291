import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { readJsonParts } from '../json-parts.ts';
import type { LabelFormat, LabelSink, LabelSource, ReadOptions } from '../label-format.ts';
import { latinNotice, readTextPieces } from '../label-text.ts';
import { megadetector as exported } from '../../export/megadetector.ts';

/** The batch results of MegaDetector and of classifiers behind it, in all versions of the format from 1.0 on. */
export const megadetector: LabelFormat = {
  name: exported.name,
  about: 'MegaDetector JSON, with the classes of classifiers',
  perFile: false,
  recognise: ({ start }) =>
    start.trimStart().startsWith('{') &&
    (/"detection_categories"\s*:/.test(start) ||
      (/"file"\s*:/.test(start) && /"(detections|failure)"\s*:/.test(start))),
  read,
};

const id = z.union([z.string(), z.number()]).transform(String);
const share = z.number();
const classification = z.tuple([id, z.number()]);
const detectionSchema = z.object({
  category: id,
  conf: z.number(),
  bbox: z.tuple([share, share, share, share]),
  classifications: z.array(classification).nullish().catch(undefined),
});
const infoSchema = z.object({
  detector: z.string().min(1).optional().catch(undefined),
  detector_metadata: z
    .object({ typical_detection_threshold: z.number().min(0).max(1) })
    .optional()
    .catch(undefined),
});
const side = z.int().positive().optional().catch(undefined);
const imageSchema = z.object({
  file: z.string().min(1),
  failure: z.string().nullish(),
  detections: z.array(z.unknown()).nullish(),
  width: side,
  height: side,
});

const VIDEO = /\.(mp4|avi|mov|mkv|mpe?g|m4v|wmv|webm|mts|3gp|asf|flv)$/i;
/** Ids of the two kinds of classes, which are numbered alike. */
const found = (category: string) => `detection ${category}`;
const classified = (category: string) => `classification ${category}`;

async function read({ path }: LabelSource, sink: LabelSink, { onProgress }: ReadOptions): Promise<void> {
  sink.task('detection');
  const seen = new Set<string>();
  let detector: string | undefined;
  const onLatin = () => sink.notice(latinNotice(path));
  const paths = ['$.images.*', '$.detection_categories', '$.classification_categories', '$.info'];
  await readJsonParts(path, readTextPieces(path, { onProgress, onLatin }), paths, (list, part, index) => {
    if (list === 'info') {
      const { data } = infoSchema.safeParse(part);
      detector = data?.detector;
      const threshold = data?.detector_metadata?.typical_detection_threshold;
      if (threshold !== undefined) sink.showsFrom(threshold);
      return;
    }
    seen.add(list);
    if (list === 'images') readImage(part, sink, `image ${index + 1}`);
    else readCategories(part, sink, list);
  });
  if (seen.has('classification_categories')) sink.findsFirst(detector);
  if (seen.size > 0) return;
  throw new AppError(
    'BAD_ARGUMENT',
    `Expected results of MegaDetector in ${path}, but it has neither "images" nor "detection_categories"`,
    'Name the JSON file that the detector wrote.',
  );
}

function readCategories(part: unknown, sink: LabelSink, list: string): void {
  const { data } = z.record(z.string(), z.string().min(1)).safeParse(part);
  if (data === undefined) sink.skip('badEntry', 'the names of the categories');
  for (const [category, name] of Object.entries(data ?? {}))
    if (list === 'detection_categories') sink.finderClass(found(category), name);
    else sink.class(classified(category), name);
}

function readImage(part: unknown, sink: LabelSink, where: string): void {
  const { data } = imageSchema.safeParse(part);
  if (data === undefined) {
    sink.skip('badEntry', where);
    return;
  }
  const { file, failure, detections, width, height } = data;
  if (VIDEO.test(file)) {
    sink.skip('video', file);
    return;
  }
  const size = width === undefined || height === undefined ? undefined : { width, height };
  // Without detections nothing was looked for, whether it is called a failure or not.
  const isStated = detections !== null && detections !== undefined;
  const reason = failure || (isStated ? undefined : 'no detections are stated');
  sink.image({ key: file, name: file, size, failure: reason }, file);
  if (reason !== undefined) {
    if (isStated && detections.length > 0) sink.skip('besideFailure', file);
    return;
  }
  for (const [index, one] of (detections ?? []).entries())
    readDetection(one, sink, file, `${file}, detection ${index + 1}`);
}

/** What a classifier called a box is its label, with the detector's class beside it; without that, what the detector called it. */
function readDetection(part: unknown, sink: LabelSink, key: string, where: string): void {
  const { data } = detectionSchema.safeParse(part);
  if (data === undefined) {
    sink.skip('badBox', where);
    return;
  }
  const { category, conf, bbox, classifications } = data;
  const [x, y, width, height] = bbox;
  const [best, ...others] = [...(classifications ?? [])].sort(([, one], [, other]) => other - one);
  if (others.length > 0) sink.skip('secondClass', where);
  const placed = { key, score: conf, box: { x, y, width, height }, isShare: true };
  if (best === undefined) {
    sink.box({ ...placed, classId: found(category) }, where);
    return;
  }
  const [label, labelScore] = best;
  sink.findsFirst(undefined);
  const finder = { classId: found(category), score: conf, labelScore };
  sink.box({ ...placed, classId: classified(label), score: undefined, finder }, where);
}

import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { readJsonParts } from '../json-parts.ts';
import type { LabelFormat, LabelSink, LabelSource, ReadOptions } from '../label-format.ts';
import { latinNotice, readTextPieces } from '../label-text.ts';

/** The JSON that Winnow exports: predictions for a run, what people said for reviews. */
export const winnowJson: LabelFormat = {
  name: 'json',
  about: "Winnow's own JSON",
  perFile: false,
  recognise: ({ start }) =>
    start.trimStart().startsWith('{') && /"files"\s*:/.test(start) && /"relative_path"\s*:/.test(start),
  read,
};

const orNull = <T extends z.ZodType>(schema: T) => schema.nullish().catch(undefined);
const fileSchema = z.object({
  relative_path: z.string().min(1),
  absolute_path: z.string().optional(),
  width: orNull(z.int().positive()),
  height: orNull(z.int().positive()),
  status: z.enum(['ok', 'failed', 'pending']),
  predictions: z
    .array(z.object({ label: z.string(), class_index: z.int().optional(), confidence: z.number() }))
    .default([]),
  human_label: orNull(z.string()),
  error: orNull(z.string()),
});

async function read(
  { path }: LabelSource,
  sink: LabelSink,
  { onProgress, purpose }: ReadOptions,
): Promise<void> {
  sink.task('classification');
  const seen = new Set<string>();
  const onLatin = () => sink.notice(latinNotice(path));
  await readJsonParts(
    path,
    readTextPieces(path, { onProgress, onLatin }),
    ['$.files.*'],
    (_, part, index) => {
      seen.add('files');
      const where = `file ${index + 1}`;
      const { data } = fileSchema.safeParse(part);
      if (data === undefined) sink.skip('badEntry', where);
      else if (purpose === 'reviews') readReview(data, sink, where);
      else readPrediction(data, sink, where);
    },
  );
  if (seen.size > 0) return;
  throw new AppError('BAD_ARGUMENT', `Expected a JSON export of Winnow in ${path}, but it has no "files"`);
}

type File = z.infer<typeof fileSchema>;

function readReview(file: File, sink: LabelSink, where: string): void {
  if (file.human_label === null || file.human_label === undefined) {
    sink.skip('notReviewed', file.relative_path);
    return;
  }
  sink.image(toImage(file), where);
  sink.class(file.human_label, file.human_label);
  sink.label({ key: file.relative_path, classId: file.human_label }, where);
}

function readPrediction(file: File, sink: LabelSink, where: string): void {
  if (file.status === 'pending') {
    sink.skip('badEntry', `${file.relative_path}, which was not predicted yet`);
    return;
  }
  sink.image(toImage(file), where);
  for (const { label, class_index: index, confidence } of file.predictions) {
    sink.class(label, label, index);
    sink.label({ key: file.relative_path, classId: label, score: confidence }, where);
  }
}

function toImage({ relative_path: key, width, height, status, error }: File) {
  const size = typeof width === 'number' && typeof height === 'number' ? { width, height } : undefined;
  return { key, name: key, size, failure: status === 'failed' ? (error ?? 'it failed') : undefined };
}

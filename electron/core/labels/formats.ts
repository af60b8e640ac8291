import { AppError } from '../../shared/errors.ts';
import { shortJson } from '../../shared/shortened.ts';
import type { LabelFormat, LabelSource } from './label-format.ts';
import { coco } from './readers/coco.ts';
import { csv } from './readers/csv.ts';
import { labelme } from './readers/labelme.ts';
import { maps } from './readers/maps.ts';
import { megadetector } from './readers/megadetector.ts';
import { voc } from './readers/voc.ts';
import { winnowJson } from './readers/winnow-json.ts';
import { yolo } from './readers/yolo.ts';

/** Every format of labels that is read. What is of none of those before is asked of the next. */
export const LABEL_FORMATS: readonly LabelFormat[] = [
  megadetector,
  winnowJson,
  labelme,
  coco,
  csv,
  maps,
  yolo,
  voc,
];

/** The format of this name, or the one that a file or folder is of. Throws BAD_ARGUMENT when there is none. */
export function formatOf(source: LabelSource, name: string | undefined): LabelFormat {
  const names = LABEL_FORMATS.map((format) => format.name).join(', ');
  if (name !== undefined) {
    const named = LABEL_FORMATS.find((format) => format.name === name);
    if (named !== undefined) return named;
    throw new AppError(
      'BAD_ARGUMENT',
      `A format of labels must be one of ${names}, but is ${shortJson(name)}`,
    );
  }
  const format = LABEL_FORMATS.find((one) => one.recognise(source));
  if (format !== undefined) return format;
  const { path, files, start } = source;
  throw new AppError(
    'BAD_ARGUMENT',
    files === undefined
      ? `Expected a file of labels in ${path}, but it begins with ${shortJson(start.slice(0, 60))}`
      : `Expected a folder of labels in ${path}, but it ${describe(files)}`,
    `The formats that are read are ${names}; --format names one.`,
  );
}

function describe(files: readonly string[]): string {
  return files.length === 0 ? 'is empty' : `holds files such as ${shortJson(files[0])}`;
}

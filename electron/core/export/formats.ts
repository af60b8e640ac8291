import type { ExportFormatInfo } from '../../shared/api/exports.ts';
import { AppError } from '../../shared/errors.ts';
import type { Task } from '../../shared/model-package.ts';
import { shortJson } from '../../shared/shortened.ts';
import { coco } from './coco.ts';
import { csv } from './csv.ts';
import { detections } from './detections.ts';
import type { ExportFormat, TableFormat } from './format.ts';
import { json } from './json.ts';
import { maps } from './maps.ts';
import { megadetector } from './megadetector.ts';
import { crops, overlays } from './pictures.ts';
import { voc } from './voc.ts';
import { xlsx } from './xlsx-table.ts';
import { yolo } from './yolo.ts';

/** Every format, in the order in which they are shown. */
export const EXPORT_FORMATS: readonly ExportFormat[] = [
  csv,
  json,
  xlsx,
  detections,
  coco,
  megadetector,
  yolo,
  voc,
  crops,
  overlays,
  maps,
];

/** The format of this name. Throws BAD_ARGUMENT when there is none. */
export function findFormat(name: string): ExportFormat {
  return find(EXPORT_FORMATS, name);
}

/** The same of tables with a row per file. */
export function findTableFormat(name: string): TableFormat {
  return find(
    EXPORT_FORMATS.filter((format) => format.of === 'files'),
    name,
  );
}

/** The formats that runs of a task can be written in. */
export function formatsOf(task: Task): ExportFormat[] {
  return EXPORT_FORMATS.filter(({ tasks }) => tasks.includes(task));
}

/** What the window and the command line are told of a format. */
export function formatInfo({ name, of, place, ending, options }: ExportFormat): ExportFormatInfo {
  return { name, of, place, ending, options };
}

function find<Format extends ExportFormat>(formats: readonly Format[], name: string): Format {
  const format = formats.find((one) => one.name === name);
  if (format !== undefined) return format;
  const names = formats.map((one) => one.name).join(', ');
  throw new AppError('BAD_ARGUMENT', `A format must be one of ${names}, but is ${shortJson(name)}`);
}

import type { LabelFormat } from './label-format.ts';
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
  yolo,
  csv,
  maps,
  voc,
];

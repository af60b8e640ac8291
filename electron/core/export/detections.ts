import { stringify } from 'csv-stringify/sync';
import type { ColumnSet } from '../../shared/api/exports.ts';
import { calledLabel } from '../results/box-counts.ts';
import { heldLabel } from '../results/held-label.ts';
import type { LabelSource } from '../results/held-label.ts';
import { folderColumns, folderValues, rounded, thresholdOf } from './columns.ts';
import type { Column, ExportedTable, Value } from './columns.ts';
import type { FoundContent } from './found-content.ts';
import type { FoundImage, FoundObject } from './found-images.ts';
import type { FoundFileFormat } from './format.ts';

interface Cell {
  table: ExportedTable;
  image: FoundImage;
  object: FoundObject | undefined; // undefined in the row of an image without any
  held: { label: string | undefined; source: LabelSource | undefined }; // of the object, else of the image
}

const humanLabel: Column<Cell> = [
  'human_label',
  ({ image, object }) => (object === undefined ? image.row.humanLabel : object.humanLabel),
];

const place: readonly Column<Cell>[] = [
  ['confidence', ({ object }) => object?.score && rounded(object.score, 6)],
  ['bbox_left', (cell) => share(cell, 'x', 'width')],
  ['bbox_top', (cell) => share(cell, 'y', 'height')],
  ['bbox_width', (cell) => share(cell, 'width', 'width')],
  ['bbox_height', (cell) => share(cell, 'height', 'height')],
  ['width', ({ image }) => image.row.width],
  ['height', ({ image }) => image.row.height],
  ['mask_area', ({ object }) => object?.mask?.area],
];

const last: readonly Column<Cell>[] = [
  [
    'verified',
    ({ image, object }) =>
      String(object === undefined ? image.row.verified : object.humanLabel !== undefined),
  ],
  ['model', ({ table }) => table.run.spec.modelName],
  ['preset', ({ table }) => table.run.spec.preset?.name],
  ['min_score', ({ table }) => thresholdOf(table)],
];

/** Of a run that finds first: what each of its models says. */
const stages: readonly Column<Cell>[] = [
  ['found_label', ({ object }) => object?.finder?.label],
  ['found_confidence', ({ object }) => object?.finder && rounded(object.finder.score, 6)],
  [
    'label_confidence',
    ({ object }) =>
      object?.finder?.labelScore === undefined ? undefined : rounded(object.finder.labelScore, 6),
  ],
  ['finder', ({ table }) => table.finder?.name],
];

const first: readonly Column<Cell>[] = [
  ['relative_path', ({ image }) => image.row.relativePath],
  ['detection_id', ({ object }) => object?.id],
];

const modelLabel = ({ object }: Cell): Value => object?.modelLabel;

/** The columns of detections.csv in their order, before those of folders; docs/exports.md describes them. */
const sets: Record<ColumnSet, readonly Column<Cell>[]> = {
  standard: [
    ...first,
    ['label', ({ held, table }) => calledLabel(held, table.run.spec, undefined)],
    ['label_source', ({ held }) => held.source],
    ['predicted_label', modelLabel],
    ...place,
    ...last,
  ],
  classic: [...first, ['label', modelLabel], ...place, humanLabel, ...last],
};

export const detections: FoundFileFormat = {
  name: 'detections',
  of: 'found',
  place: 'file',
  ending: '.csv',
  tasks: ['detection'],
  options: ['bom', 'columns'],
  isText: true,
  write: detectionsText,
};

/** A row for every object, and one for every image without any, as RFC 4180. */
function* detectionsText(
  { images, count }: FoundContent,
  table: ExportedTable,
  bom: boolean,
): Generator<string> {
  const format = { record_delimiter: 'windows', quoted_match: /[\r\n]/ } as const;
  const columns = table.finder === undefined ? sets[table.set] : [...sets[table.set], ...stages];
  const header = [...columns.map(([name]) => name), ...folderColumns(table.depth)];
  yield stringify([header], { ...format, bom });
  for (const some of images()) {
    const rows = some.flatMap((image) => {
      const objects = image.objects.length === 0 ? [undefined] : image.objects;
      const folders = folderValues(image.row.relativePath, table.depth);
      return objects.map((object) => {
        const cell = { table, image, object, held: heldOf(image, object, table) };
        return [...columns.map(([, value]) => value(cell)), ...folders];
      });
    });
    yield stringify(rows, format);
    for (const image of some) count(image);
  }
}

/** What an object is called; what the image is called where it has none. */
function heldOf(
  { row }: FoundImage,
  object: FoundObject | undefined,
  { names, minScore }: ExportedTable,
): Cell['held'] {
  if (object === undefined) return heldLabel(row, names, minScore);
  const { label, modelLabel: predicted, humanLabel: own } = object;
  return { label, source: own === undefined ? 'model' : own === predicted ? 'verified' : 'person' };
}

/** A length as a share of a side of the picture. */
function share({ image, object }: Cell, length: keyof FoundObject['box'], side: 'width' | 'height'): Value {
  const whole = image.row[side];
  return object === undefined || whole === undefined ? undefined : rounded(object.box[length] / whole, 6);
}

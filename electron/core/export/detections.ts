import { stringify } from 'csv-stringify/sync';
import { rounded } from './columns.ts';
import type { Exported, Value } from './columns.ts';
import type { FoundContent } from './found-content.ts';
import type { FoundImage, FoundObject } from './found-images.ts';

interface Cell extends Exported {
  image: FoundImage;
  object: FoundObject | undefined; // undefined in the row of an image without any
}

/** The columns of detections.csv in their order; docs/exports.md describes them. */
const columns: Record<string, (cell: Cell) => Value> = {
  relative_path: ({ image }) => image.row.relativePath,
  detection_id: ({ object }) => object?.id,
  label: ({ object }) => object?.modelLabel,
  confidence: ({ object }) => object?.score && rounded(object.score, 6),
  bbox_left: (cell) => share(cell, 'x', 'width'),
  bbox_top: (cell) => share(cell, 'y', 'height'),
  bbox_width: (cell) => share(cell, 'width', 'width'),
  bbox_height: (cell) => share(cell, 'height', 'height'),
  width: ({ image }) => image.row.width,
  height: ({ image }) => image.row.height,
  mask_area: ({ object }) => object?.mask?.area,
  human_label: ({ image, object }) => (object === undefined ? image.row.humanLabel : object.humanLabel),
  verified: ({ image, object }) =>
    String(object === undefined ? image.row.verified : object.humanLabel !== undefined),
  model: ({ run }) => run.spec.modelName,
  preset: ({ run }) => run.spec.preset.name,
};

/** A row for every object, and one for every image without any, as RFC 4180. */
export function* detectionsText({ images, exported, count }: FoundContent, bom: boolean): Generator<string> {
  const format = { record_delimiter: 'windows', quoted_match: /[\r\n]/ } as const;
  yield stringify([Object.keys(columns)], { ...format, bom });
  for (const some of images()) {
    const rows = some.flatMap((image) => {
      const objects = image.objects.length === 0 ? [undefined] : image.objects;
      return objects.map((object) =>
        Object.values(columns).map((column) => column({ image, object, ...exported })),
      );
    });
    yield stringify(rows, format);
    for (const image of some) count(image);
  }
}

/** A length as a share of a side of the picture. */
function share({ image, object }: Cell, length: keyof FoundObject['box'], side: 'width' | 'height'): Value {
  const whole = image.row[side];
  return object === undefined || whole === undefined ? undefined : rounded(object.box[length] / whole, 6);
}

import { TASKS } from '../../shared/tasks.ts';
import { Categories } from './categories.ts';
import { rounded } from './columns.ts';
import type { FoundContent } from './found-content.ts';
import { seenSize } from './found-images.ts';
import type { FoundImage, FoundObject } from './found-images.ts';
import type { FoundFileFormat } from './format.ts';

export const coco: FoundFileFormat = {
  name: 'coco',
  of: 'found',
  place: 'file',
  ending: '.json',
  tasks: ['segmentation', 'detection'],
  options: [],
  isText: true,
  write: cocoText,
};

/**
 * COCO's instances as one JSON object. Images that were not predicted are left out. Categories come
 * last, since people's labels are known then.
 */
function* cocoText({ images, exported, count }: FoundContent): Generator<string> {
  const { run, model } = exported;
  const categories = new Categories(model.manifest);
  const info = { description: `Winnow, run ${run.id}, model ${model.name}`, date_created: run.createdAt };
  yield `{"info":${JSON.stringify(info)},"licenses":[],\n"images":[`;
  let separator = '\n';
  const lines = (values: readonly unknown[]): string => {
    if (values.length === 0) return '';
    const text = separator + values.map((value) => JSON.stringify(value)).join(',\n');
    separator = ',\n';
    return text;
  };
  const written = new Set<number>(); // a run under way may have more images when they are read again
  for (const some of images()) {
    const seen = some.filter((image) => seenSize(image) !== undefined);
    for (const { row } of seen) written.add(row.imageId);
    yield lines(seen.map(describeImage));
  }
  yield '\n],\n"annotations":[';
  separator = '\n';
  let id = 0;
  for (const some of images()) {
    const seen = some.filter((image) => seenSize(image) !== undefined && written.has(image.row.imageId));
    yield lines(
      seen.flatMap((image) =>
        image.objects.map((object) => ({
          id: ++id,
          image_id: image.row.imageId,
          category_id: categories.of(object.label).id,
          ...describeObject(image, object),
        })),
      ),
    );
    for (const image of seen) count(image);
  }
  // As COCO's panoptic files say it: what a segmentation model knows has an area and no instances.
  const isThing = TASKS[model.manifest.task].foundIn === 'masks' ? 0 : undefined;
  const listed = categories.all().map((one) => ({ id: one.id, name: one.name, isthing: isThing }));
  yield `\n],\n"categories":${JSON.stringify(listed)}}\n`;
}

function describeImage({ row, path }: FoundImage) {
  const { imageId, width, height, capturedAt } = row;
  return { id: imageId, file_name: path, width, height, date_captured: capturedAt };
}

function describeObject({ row }: FoundImage, { box, mask, score, humanLabel }: FoundObject) {
  return {
    bbox: [box.x, box.y, box.width, box.height].map((value) => rounded(value, 3)),
    area: mask?.area ?? rounded(box.width * box.height, 3),
    segmentation: mask && { size: [row.height, row.width], counts: mask.counts },
    iscrowd: 0,
    score: score && rounded(score, 6),
    verified: humanLabel === undefined ? undefined : true,
  };
}

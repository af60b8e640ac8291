import { SHOWN_SCORE } from '../../shared/found-score.ts';
import { Categories } from './categories.ts';
import { rounded } from './columns.ts';
import type { FoundContent } from './found-content.ts';
import { seenSize } from './found-images.ts';
import type { FoundImage } from './found-images.ts';
import type { FoundFileFormat } from './format.ts';

/** What readers of the format know as reasons. */
const FAILED = 'Failure image access';
const PENDING = 'Failure inference';

export const megadetector: FoundFileFormat = {
  name: 'megadetector',
  of: 'found',
  place: 'file',
  ending: '.json',
  tasks: ['detection'],
  options: [],
  isText: true,
  write: megadetectorText,
};

/** The batch results of MegaDetector, version 1.4 of the format: one JSON object with a line per image. */
function* megadetectorText({ images, exported, count }: FoundContent): Generator<string> {
  const { run, model } = exported;
  const categories = new Categories(model.manifest);
  const info = {
    format_version: '1.4',
    detector: model.name,
    detection_completion_time: (run.finishedAt ?? run.createdAt).slice(0, 19).replace('T', ' '),
    detector_metadata: { typical_detection_threshold: SHOWN_SCORE },
  };
  yield `{"info":${JSON.stringify(info)},\n"images":[`;
  let separator = '\n';
  for (const some of images()) {
    yield separator + some.map((image) => JSON.stringify(describe(image, categories))).join(',\n');
    separator = ',\n';
    for (const image of some) count(image);
  }
  const listed = Object.fromEntries(categories.all().map(({ index, name }) => [String(index + 1), name]));
  yield `\n],\n"detection_categories":${JSON.stringify(listed)}}\n`;
}

function describe(image: FoundImage, categories: Categories) {
  const { row, path, objects } = image;
  const size = seenSize(image);
  if (size === undefined) {
    return { file: path, failure: row.status === 'pending' ? PENDING : FAILED, detections: null };
  }
  const { width, height } = size;
  const detections = objects.map(({ label, box, score, humanLabel }) => ({
    category: String(categories.of(label).index + 1),
    conf: humanLabel === undefined ? rounded(score ?? 0, 4) : 1, // what a person left is certain
    bbox: [box.x / width, box.y / height, box.width / width, box.height / height].map((value) =>
      rounded(value, 5),
    ),
  }));
  return { file: path, detections };
}

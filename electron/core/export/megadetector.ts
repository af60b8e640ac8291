import { failureText } from '../results/failure-text.ts';
import type { PictureProblemCode } from '../../shared/picture-problem.ts';
import { shownScore } from '../../shared/found-score.ts';
import { Categories } from './categories.ts';
import type { Category } from './categories.ts';
import { rounded } from './columns.ts';
import type { FoundContent } from './found-content.ts';
import { seenSize } from './found-images.ts';
import type { FoundImage, FoundObject } from './found-images.ts';
import type { FoundFileFormat } from './format.ts';

/** What readers of the format know as reasons. */
const UNREAD = 'Failure image access';
const NOT_PREDICTED = 'Failure inference';
/** What failed of pictures that could be read. */
const IN_THE_MODEL: ReadonlySet<string> = new Set<PictureProblemCode>(['crash', 'notANumber']);

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

/**
 * The batch results of MegaDetector, version 1.4 of the format: one JSON object with a line per image. Of a run that finds
 * first a detection has the finder's category and score, and the label as its classification.
 */
function* megadetectorText({ images, exported, count }: FoundContent): Generator<string> {
  const { run, model, finder } = exported;
  const labels = new Categories(model.manifest);
  const categories = finder === undefined ? labels : new Categories(finder.manifest);
  const time = (run.finishedAt ?? run.createdAt).slice(0, 19).replace('T', ' ');
  const info = {
    format_version: '1.4',
    detector: finder?.name ?? model.name,
    detection_completion_time: time,
    // Rounded as the scores are, so that none that reaches it falls below.
    detector_metadata: {
      typical_detection_threshold: rounded(run.spec.find?.minScore ?? shownScore(run.spec), 4),
    },
    ...(finder && { classifier: model.name, classification_completion_time: time }),
  };
  yield `{"info":${JSON.stringify(info)},\n"images":[`;
  let separator = '\n';
  for (const some of images()) {
    yield (
      separator +
      some.map((image) => JSON.stringify(describe(image, categories, finder && labels))).join(',\n')
    );
    separator = ',\n';
    for (const image of some) count(image);
  }
  const classified = finder === undefined ? '' : `,\n"classification_categories":${listed(labels)}`;
  yield `\n],\n"detection_categories":${listed(categories)}${classified}}\n`;
}

const keyOf = ({ index }: Category) => String(index + 1);

function listed(categories: Categories): string {
  return JSON.stringify(Object.fromEntries(categories.all().map((one) => [keyOf(one), one.name])));
}

/** `labels`: of a run that finds first, whose boxes have other categories. */
function describe(image: FoundImage, categories: Categories, labels: Categories | undefined) {
  const { row, path, objects } = image;
  const size = seenSize(image);
  if (size === undefined) {
    if (row.status === 'ok') return { file: path, detections: [] }; // that nothing is in it is known without its size
    return { file: path, failure: failureOf(row), detections: null };
  }
  const { width, height } = size;
  const detections = objects.map(({ label, box, score, humanLabel, finder }) => ({
    category: keyOf(categories.of(finder?.label ?? label)),
    conf: humanLabel === undefined ? rounded(finder?.score ?? score ?? 0, 4) : 1, // what a person left is certain
    bbox: [box.x / width, box.y / height, box.width / width, box.height / height].map((value) =>
      rounded(value, 5),
    ),
    classifications: labels && classified(labels, { label, humanLabel, finder }),
  }));
  return { file: path, detections };
}

/** Why there are no detections: in another tool's own words where it has said why. */
function failureOf(row: FoundImage['row']): string {
  const code = row.problem?.code;
  if (code === 'otherTool') return failureText(row) ?? UNREAD;
  return row.status === 'pending' || (code !== undefined && IN_THE_MODEL.has(code)) ? NOT_PREDICTED : UNREAD;
}

/** The label of a box with its score; undefined where nobody has looked beyond the finder's own. */
function classified(
  labels: Categories,
  { label, humanLabel, finder }: Pick<FoundObject, 'label' | 'humanLabel' | 'finder'>,
): [string, number][] | undefined {
  const score = humanLabel === undefined ? finder?.labelScore : 1;
  return score === undefined ? undefined : [[keyOf(labels.of(label)), rounded(score, 4)]];
}

import type { FoundEvaluation } from '../../shared/api/results.ts';
import { AppError } from '../../shared/errors.ts';
import { shortened } from '../../shared/shortened.ts';
import type { Label } from '../../shared/model-package.ts';
import { findsMasks } from '../models/detection-head.ts';
import { classFinder, displayNames } from '../models/class-names.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/tables/runs.ts';
import { PrecisionTally } from './average-precision.ts';
import type { FoundObject, TruthObject } from './average-precision.ts';
import { readCocoTruth } from './coco-truth.ts';
import type { CocoImage, CocoTruth, Size } from './coco-truth.ts';
import { placeOf } from './marked-place.ts';
import { hasMask } from './segmentation.ts';
import { matchNotices, matchTruth, runImages, some } from './match-truth.ts';
import type { RunImage } from './match-truth.ts';

type Pair = { truth: CocoImage; image: RunImage };
type SizedPair = Pair & { size: Size };

const IMAGES_AT_ONCE = 50; // whose masks are held in memory
const NAMED = 3; // unknown classes that a notice names

/**
 * Average precision of what a run found, whatever its score, against COCO annotations. Throws NOT_FOUND, FILE_SYSTEM or
 * BAD_ARGUMENT when the file is none, or when it shares no image or no class with the run.
 */
export async function evaluateDetections(
  library: Library,
  run: RunRow,
  path: string,
): Promise<FoundEvaluation> {
  const truth = await readCocoTruth(path);
  const { manifest } = library.models.get(run.spec.modelSha256);
  const { labels } = manifest;
  const classes = matchCategories(truth, labels, path);
  const matched = matchTruth(truth.images, runImages(library, run), ({ name }) => name);
  const notices = matchNotices(matched, ({ name }) => name, 'image');
  if (matched.pairs.length === 0) throw nothingShared(truth.images.length, path, run);
  notices.push(...truth.notices);
  const { same, notices: sizeNotices } = sameSize(matched.pairs);
  notices.push(...sizeNotices);
  const byMasks = hasMasks(truth) && findsMasks(manifest);
  if (hasMasks(truth) && !byMasks)
    notices.push('The annotations have masks, but the model finds boxes alone: compared by boxes.');
  const comparison = new Comparison(library, run, classes, byMasks);
  for (let start = 0; start < same.length; start += IMAGES_AT_ONCE) {
    comparison.add(same.slice(start, start + IMAGES_AT_ONCE));
    await new Promise(setImmediate); // others have their turn
  }
  notices.push(...unknownClasses(truth, classes), ...comparison.notices(truth.unusable));
  return {
    task: 'detection',
    images: same.length,
    notices,
    box: comparison.boxes.result(displayNames(labels)),
    mask: byMasks ? comparison.masks.result(displayNames(labels)) : undefined,
  };
}

/** The model's class of every category that it has: by its name, of equal names the one with the category's number. */
function matchCategories({ categories }: CocoTruth, labels: readonly Label[], path: string) {
  const shown = new Map(displayNames(labels).map((name, index) => [name, index]));
  const find = classFinder(labels);
  const classes = new Map<string, number>();
  for (const { id, name } of categories) {
    const named = find(name);
    const index = shown.get(name) ?? named.find((one) => String(labels[one]?.id) === id) ?? named[0];
    if (index !== undefined) classes.set(id, index);
  }
  if (classes.size > 0) return classes;
  const names = categories.slice(0, NAMED).map(({ name }) => shortened(name));
  throw new AppError(
    'BAD_ARGUMENT',
    names.length === 0
      ? `Expected categories in ${path}, but it has none`
      : `Expected categories of the model in ${path}, but it has no class ${names.join(' nor ')}`,
    `Its classes start with ${labels
      .slice(0, NAMED)
      .map(({ name }) => shortened(name))
      .join(', ')}.`,
  );
}

function nothingShared(images: number, path: string, run: RunRow): AppError {
  return new AppError(
    'BAD_ARGUMENT',
    `Expected annotations of images of run ${run.id} in ${path}, but none of its ${some(images, 'image')} is predicted there`,
    'Images are found by their paths in the folders of the run, or by their names.',
  );
}

/**
 * Pairs whose picture has the size that the truth states; that and boxes go together. One that only one of them knows holds.
 */
function sameSize(pairs: readonly Pair[]): { same: SizedPair[]; notices: string[] } {
  const [others, unknown]: [string[], string[]] = [[], []];
  const same = pairs.flatMap((pair) => {
    const { truth, image } = pair;
    const { width, height } = image;
    const size = width > 0 && height > 0 ? { width, height } : truth.size;
    if (size === undefined) {
      unknown.push(shortened(truth.name));
    } else if (truth.size !== undefined && !isEqual(truth.size, size)) {
      const there = `${truth.size.width} x ${truth.size.height} there`;
      others.push(`${shortened(truth.name)} (${there}, ${width} x ${height} here)`);
    } else {
      return [{ ...pair, size }];
    }
    return [];
  });
  const told: [string[], string][] = [
    [others, 'had another size when marked'],
    [unknown, 'of unknown size'],
  ];
  const notices = told.flatMap(([names, what]) =>
    names.length === 0 ? [] : [`${some(names.length, 'image')} ${what}, such as ${names[0]}; not compared.`],
  );
  return { same, notices };
}

function isEqual(one: Size, other: Size): boolean {
  return one.width === other.width && one.height === other.height;
}

function unknownClasses({ images, categories }: CocoTruth, classes: ReadonlyMap<unknown, number>): string[] {
  const counts = new Map<unknown, number>();
  for (const { annotations } of images) {
    for (const { category_id: category } of annotations)
      if (!classes.has(category)) counts.set(category, (counts.get(category) ?? 0) + 1);
  }
  if (counts.size === 0) return [];
  const nameOf = new Map<unknown, string>(categories.map(({ id, name }) => [id, name]));
  const names = [...counts.keys()].map((id) => shortened(nameOf.get(id) ?? `category ${String(id)}`));
  const more = names.length > NAMED ? ' and others' : '';
  const objects = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return [
    `The model has no ${names.slice(0, NAMED).join(', ')}${more}: ${some(objects, 'object')} not counted.`,
  ];
}

function hasMasks({ images }: CocoTruth): boolean {
  return images.some(({ annotations }) => annotations.some(hasMask));
}

/** Gathers images one after the other. */
class Comparison {
  readonly boxes = new PrecisionTally('box');
  readonly masks = new PrecisionTally('mask');
  #boxesOnly = 0;
  /** What of masks cannot be used, one text for each: of those that lie in a box all the same, and of the others. */
  readonly #badMasks: { boxed: string[]; lost: string[] } = { boxed: [], lost: [] };
  readonly #library: Library;
  readonly #run: RunRow;
  readonly #classes: ReadonlyMap<unknown, number>;
  readonly #marked: ReadonlySet<number>;
  readonly #hasMasks: boolean;

  constructor(library: Library, run: RunRow, classes: ReadonlyMap<unknown, number>, hasMasks: boolean) {
    this.#hasMasks = hasMasks;
    this.#library = library;
    this.#run = run;
    this.#classes = classes;
    this.#marked = new Set(classes.values());
  }

  add(pairs: readonly SizedPair[]): void {
    const found = this.#foundIn(pairs.map(({ image }) => image.imageId));
    for (const { truth, image, size } of pairs) {
      const compared = { truth: this.#truthOf(truth, size), found: found.get(image.imageId) ?? [] };
      this.boxes.add(compared);
      if (this.#hasMasks) this.masks.add(compared);
    }
  }

  notices(unusable: number): string[] {
    const { boxed, lost } = this.#badMasks;
    const list: [number, string][] = [
      [unusable, `${some(unusable, 'annotation')} without a known image or a place in it not counted.`],
      [
        lost.length,
        `${some(lost.length, 'annotation')} without a box whose mask cannot be used not counted, such as ${lost[0]}.`,
      ],
      [boxed.length, `${some(boxed.length, 'mask')} cannot be used as a whole, such as ${boxed[0]}.`],
      [
        this.#hasMasks ? this.#boxesOnly : 0,
        `${some(this.#boxesOnly, 'object')} without a mask compared by the whole box.`,
      ],
    ];
    return list.flatMap(([count, notice]) => (count === 0 ? [] : [notice]));
  }

  #truthOf({ name, annotations }: CocoImage, size: Size): TruthObject[] {
    return annotations.flatMap((annotation) => {
      const classIndex = this.#classes.get(annotation.category_id);
      if (classIndex === undefined) return [];
      const { place, problem } = placeOf(annotation, size);
      if (problem !== undefined)
        this.#badMasks[place === undefined ? 'lost' : 'boxed'].push(`one in ${shortened(name)}: ${problem}`);
      if (place === undefined) return [];
      if (!place.hasMask) this.#boxesOnly++;
      const { box, counts, area } = place;
      return [{ classIndex, box, counts, area, crowd: Boolean(annotation.iscrowd) }];
    });
  }

  /** Of the classes that the truth has; others were not looked for by those who marked. */
  #foundIn(imageIds: readonly number[]): Map<number, FoundObject[]> {
    const { found } = this.#library;
    const masks = found.masks(this.#run.id, imageIds);
    const detections = found.detections(this.#run.id, imageIds);
    const objects = [...detections].map(([imageId, list]) => {
      const counts = new Map(masks.get(imageId)?.map((mask) => [mask.number, mask.counts]));
      const marked = list.filter(({ classIndex }) => this.#marked.has(classIndex));
      return [
        imageId,
        marked.map(({ number, classIndex, score, box }) => ({
          classIndex,
          score,
          box,
          counts: counts.get(number),
        })),
      ] as const;
    });
    return new Map(objects);
  }
}

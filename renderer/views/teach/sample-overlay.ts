import type { SampledObject, TrainingSamples } from '../../../electron/shared/api/training.ts';
import { classPaint } from '../../lib/class-colour.ts';
import type { ClassPaint } from '../../lib/class-colour.ts';
import type { DrawnBox } from '../image/boxes.ts';
import { indexMap, namePositions, sampleMask } from '../image/mask-map.ts';
import type { PaintedMask } from '../image/mask-map.ts';

/** What is drawn over a sample picture. */
export interface SampleOverlay {
  masks: PaintedMask[];
  boxes: DrawnBox[];
  /** Names of areas, at a place in pixels of the picture. */
  names: { text: string; paint: ClassPaint; x: number; y: number }[];
}

const NAME_DEPTH = 4; // pixels of the map from a name to the edge of its area, at least; else it is not written

/** Of the objects with a place; `names`: of the classes. */
export function sampleOverlay(
  objects: readonly SampledObject[],
  { size, map }: Pick<TrainingSamples['pictures'][number], 'size' | 'map'>,
  names: readonly string[],
  share: (value: number) => string,
): SampleOverlay {
  const nameOf = ({ classIndex }: SampledObject) => names[classIndex] ?? '';
  const boxes = objects.flatMap((object): DrawnBox[] => {
    const { box, score, classIndex } = object;
    if (box === undefined) return [];
    const text = score === undefined ? nameOf(object) : `${nameOf(object)} ${share(score)}`;
    return [{ ...box, paint: classPaint(classIndex), text, strength: 'plain' }];
  });
  if (map === undefined || size === undefined) return { masks: [], boxes, names: [] };
  const painted = objects.flatMap((object) => {
    const mask = object.counts === undefined ? undefined : sampleMask(object.counts, map, map);
    return mask === undefined ? [] : [{ object, mask, paint: classPaint(object.classIndex) }];
  });
  // A box has its name already.
  const areas = painted.filter(({ object }) => object.box === undefined);
  const indices = indexMap(
    map,
    areas.map(({ mask }) => mask),
  );
  const scale = size.width / map.width;
  const tags = [...namePositions(indices, map)].flatMap(([index, { x, y, depth }]) => {
    const area = areas[index];
    if (area === undefined || depth < NAME_DEPTH) return [];
    return [{ text: nameOf(area.object), paint: area.paint, x: x * scale, y: y * scale }];
  });
  return { masks: painted, boxes, names: tags };
}

/** What is in a picture, in words: each class once, the number behind it where there are several objects. */
export function sampleWords(
  objects: readonly SampledObject[],
  names: readonly string[],
  count: (value: number) => string,
): string {
  const amounts = new Map<string, number>();
  for (const { classIndex } of objects) {
    const name = names[classIndex] ?? '';
    amounts.set(name, (amounts.get(name) ?? 0) + 1);
  }
  return [...amounts].map(([name, amount]) => (amount > 1 ? `${name} ${count(amount)}` : name)).join(', ');
}

import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { taskSettings } from '../../../electron/core/models/model-input.ts';
import type { FoundFile } from '../../../electron/core/files/scan-folder.ts';
import { Library } from '../../../electron/core/store/library.ts';
import { topAreas, topFound } from '../../../electron/engine/predict/top-classes.ts';
import type { Detection, ImageOutcome, Mask, Region } from '../../../electron/shared/engine-api.ts';
import {
  decodeRuns,
  encodeRuns,
  fromBitmap,
  runsArea,
  runsBox,
  toBitmap,
} from '../../../electron/shared/mask.ts';
import type { Manifest } from '../../../electron/shared/model-package.ts';
import { detectorManifest, segmenterManifest } from '../../electron/support/found.ts';

export const WIDTH = 800; // of every picture, pixels
const HEIGHT = 600;

/** Something in a drawing: an outline as SVG has it, around (0, 0), put at a place in a size. */
interface Thing {
  label: string;
  at: [x: number, y: number];
  scale: number;
  colour: string;
  score: number; // of the detection that is made up for it
}

/** Outlines, in about 100 units. */
const outlines: Record<string, string> = {
  boat: 'M-60 0h120l-22 26h-76zM-6 -6v-74h6v74zM4 -70l44 58h-44zM-10 -60v48h-38z',
  bird: 'M-40 0c10 -14 28 -16 40 -4c8 -16 24 -18 42 -8c-16 0 -26 8 -32 20c-8 14 -34 14 -50 -8z',
  hut: 'M-50 50v-60h-12l62 -48l62 48h-12v60z',
  tree: 'M-7 60v-40c-40 4 -50 -36 -26 -50c0 -34 46 -46 60 -16c34 4 36 62 -14 66h-6v40z',
  deer: 'M-46 -6c20 -12 44 -10 62 -8l12 -26l-6 -20l8 2l4 14l10 -14l2 8l-6 14l14 8l-4 8l-14 0l-8 30v50h-8v-42h-42v42h-8v-46z',
};

/** A drawing: the layers of its ground from the back to the front, and the things on it. */
interface Scene {
  name: string;
  ground: { label: string; colour: string; outline: string }[];
  things: Thing[];
}

const all = `M0 0h${WIDTH}v${HEIGHT}h-${WIDTH}z`;
const sky = { label: 'sky', colour: '#bcd6e6', outline: all };
const water = { label: 'water', colour: '#4b7f9b', outline: 'M0 300h800v300h-800z' };
const hills = {
  label: 'hills',
  colour: '#7d9a7a',
  outline: 'M0 310c120 -90 260 -70 380 -10s280 -70 420 -20v120h-800z',
};
const meadow = { label: 'meadow', colour: '#a8b765', outline: 'M0 380c240 -30 520 20 800 -14v234h-800z' };
const path = {
  label: 'path',
  colour: '#d8c39a',
  outline: 'M330 600c20 -90 90 -140 120 -220h30c0 90 60 150 130 220z',
};

const thing = (label: string, x: number, y: number, scale: number, score: number, colour: string): Thing => ({
  label,
  scale,
  score,
  colour,
  at: [x, y],
});

export const scenes: readonly Scene[] = [
  {
    name: 'harbour.jpg',
    ground: [sky, hills, water],
    things: [
      thing('boat', 250, 400, 1.9, 0.96, '#7b2d26'),
      thing('boat', 560, 350, 1.1, 0.88, '#e8e2d2'),
      thing('bird', 420, 120, 0.8, 0.71, '#2d2a26'),
      thing('bird', 660, 190, 0.5, 0.34, '#2d2a26'),
    ],
  },
  {
    name: 'meadow.jpg',
    ground: [sky, hills, meadow, path],
    things: [
      thing('deer', 230, 430, 1.6, 0.93, '#8a5a33'),
      thing('deer', 610, 420, 1.1, 0.64, '#9a6a40'),
      thing('tree', 700, 300, 1.8, 0.9, '#3f6b3a'),
      thing('bird', 380, 140, 0.7, 0.41, '#3a3833'),
    ],
  },
  {
    name: 'empty sea.jpg',
    ground: [sky, water],
    things: [],
  },
  {
    name: 'village.jpg',
    ground: [sky, hills, meadow],
    things: [
      thing('hut', 220, 390, 1.9, 0.97, '#c9a27a'),
      thing('hut', 480, 380, 1.3, 0.86, '#b98b6a'),
      thing('tree', 640, 360, 1.7, 0.79, '#44713d'),
      thing('tree', 80, 380, 1.2, 0.55, '#507a45'),
      thing('bird', 560, 120, 0.6, 0.28, '#2d2a26'),
    ],
  },
];

const classes = ['bird', 'boat', 'deer', 'hut', 'tree'];
const grounds = ['sky', 'water', 'hills', 'meadow', 'path'];

const place = ({ at: [x, y], scale }: Thing) => `translate(${x} ${y}) scale(${scale})`;
const outlineOf = (one: Thing) => outlines[one.label] ?? '';
const svg = (content: string) =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">${content}</svg>`);

function draw({ ground, things }: Scene): Buffer {
  const layers = ground.map(({ colour, outline }) => `<path d="${outline}" fill="${colour}"/>`);
  const objects = things.map(
    (one) => `<path d="${outlineOf(one)}" fill="${one.colour}" transform="${place(one)}"/>`,
  );
  return svg([...layers, ...objects].join(''));
}

/** Pixels of a drawing in white. */
async function bitmapOf(content: string): Promise<Uint8Array> {
  const pixels = await sharp(svg(content)).flatten({ background: '#000' }).greyscale().raw().toBuffer();
  return Uint8Array.from(pixels, (value) => Number(value > 127));
}

function maskOf(bitmap: Uint8Array): Mask {
  const runs = fromBitmap(bitmap, WIDTH, HEIGHT);
  return { area: runsArea(runs), counts: encodeRuns(runs) };
}

async function detect({ things }: Scene): Promise<Detection[]> {
  const found = things.map(async (one): Promise<Detection> => {
    const bitmap = await bitmapOf(`<path d="${outlineOf(one)}" fill="#fff" transform="${place(one)}"/>`);
    const runs = fromBitmap(bitmap, WIDTH, HEIGHT);
    const box = runsBox(runs, HEIGHT) ?? { x: 0, y: 0, width: 1, height: 1 };
    return { classIndex: classes.indexOf(one.label), score: one.score, box, mask: maskOf(bitmap) };
  });
  return (await Promise.all(found)).sort((one, other) => other.score - one.score);
}

async function segment({ ground }: Scene): Promise<Region[]> {
  const covered = new Uint8Array(WIDTH * HEIGHT);
  const regions: Region[] = [];
  for (const { label, outline } of ground.toReversed()) {
    const bitmap = await bitmapOf(`<path d="${outline}" fill="#fff"/>`);
    const free = bitmap.map((value, at) => Number(value === 1 && covered[at] === 0));
    for (const [at, value] of free.entries()) if (value === 1) covered[at] = 1;
    regions.push({ classIndex: grounds.indexOf(label), mask: maskOf(free) });
  }
  return regions.sort((one, other) => other.mask.area - one.mask.area);
}

/** Draws the scenes into a new folder; gives the folder. */
export async function drawScenes(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  for (const scene of scenes) await sharp(draw(scene)).jpeg({ quality: 92 }).toFile(join(folder, scene.name));
  return folder;
}

/** What is in the drawings, as COCO JSON; the boxes are a little larger, as people draw them. */
export async function drawTruth(): Promise<string> {
  const drawn = await Promise.all(scenes.map(detect));
  const annotations = drawn.flatMap((found, image) =>
    found.map(({ classIndex, box: { x, y, width, height }, mask: { area, counts } = {} }) => ({
      image_id: image + 1,
      category_id: classIndex + 1,
      iscrowd: 0,
      area,
      bbox: [x - 4, y - 3, width + 7, height + 9],
      segmentation: { size: [HEIGHT, WIDTH], counts },
    })),
  );
  return JSON.stringify({
    images: scenes.map(({ name }, index) => ({
      id: index + 1,
      file_name: name,
      width: WIDTH,
      height: HEIGHT,
    })),
    categories: classes.map((name, index) => ({ id: index + 1, name })),
    annotations: annotations.map((annotation, index) => ({ id: index + 1, ...annotation })),
  });
}

export interface FoundRuns {
  detection: number; // runs
  segmentation: number;
}

/**
 * Puts a run of a detection model and one of a segmentation model on drawn scenes into the library in `data`, as if they
 * had found what was drawn.
 */
export async function makeFoundRuns(data: string, folder: string): Promise<FoundRuns> {
  await drawScenes(folder);
  const detector = await detectorManifest(classes.map((name) => ({ name })));
  const segmenter = await segmenterManifest(grounds.map((name) => ({ name })));
  const found = await Promise.all(
    scenes.map(async (scene) => ({ detections: await detect(scene), regions: await segment(scene) })),
  );
  const library = Library.open(join(data, 'library.db'));
  try {
    return library.transaction(() => ({
      detection: saveRun(
        library,
        folder,
        detector,
        found.map(({ detections }) => ({ detections })),
      ),
      segmentation: saveRun(
        library,
        folder,
        segmenter,
        found.map(({ regions }) => ({ regions })),
      ),
    }));
  } finally {
    library.close();
  }
}

type SceneFound = { detections: Detection[] } | { regions: Region[] };

function saveRun(library: Library, folder: string, manifest: Manifest, found: readonly SceneFound[]): number {
  const name = { detection: 'field-detector', segmentation: 'field-mapper', classification: '' }[
    manifest.task
  ];
  library.models.put({ sha256: name, name, path: `/${name}`, manifest });
  const preset = { name: 'accurate', tokenKeep: [0.8, 0.6, 0.4], blockThreshold: 0.5 };
  const run = library.runs.ensure(
    {
      folders: [folder],
      modelName: name,
      modelSha256: name,
      device: 'cpu',
      preset: { ...preset, precision: 'fp32' as const },
      ...taskSettings(manifest),
    },
    '2026-01-02T03:04:05.000Z',
  );
  const { id: folderId } = library.folders.ensure(folder);
  const scan = library.folders.beginScan(folderId);
  for (const [index, scene] of scenes.entries()) {
    const { size, mtimeMs } = statSync(join(folder, scene.name));
    const file = { relativePath: scene.name, fileSize: size, modifiedMs: Math.floor(mtimeMs) };
    const imageId = library.images.see(folderId, file, scan);
    library.results.enqueue(run.id, imageId, file);
    const outcome = outcomeOf(manifest, found[index] ?? { detections: [] }, file);
    library.results.save(run.id, imageId, outcome);
    library.images.setFacts(imageId, outcome.facts);
  }
  library.folders.endScan(folderId, scan);
  library.runs.setState(run.id, 'done', '2026-01-02T03:05:05.000Z');
  return run.id;
}

/** With the receipt of a model that left out patches of the sky. */
function outcomeOf(manifest: Manifest, found: SceneFound, { fileSize, modifiedMs }: FoundFile): ImageOutcome {
  const facts = {
    version: { fileSize, modifiedMs },
    width: WIDTH,
    height: HEIGHT,
    capturedAt: undefined,
  };
  const windows = manifest.task === 'segmentation' ? WINDOWS : 1;
  const grid = Math.floor((manifest.imageSize - manifest.patchSize) / manifest.stride) + 1;
  const receipt = {
    directions: Uint8Array.from({ length: windows * manifest.depth }, (_, at) => (at % 5 === 3 ? 1 : 3)),
    survived: Uint8Array.from({ length: windows * grid * grid }, (_, at) => {
      const row = Math.floor(at / grid) % grid;
      return Math.min(manifest.pruningLayers.length, Math.floor((row * 5) / grid) + (at % 3 === 0 ? 1 : 0));
    }),
    milliseconds: 42,
  };
  const top = 'detections' in found ? topFound(found.detections) : topAreas(found.regions, WIDTH * HEIGHT);
  return { status: 'ok', facts, top, ...found, receipt };
}

const WINDOWS = 2; // side by side, of a picture of 4 : 3

/** Writes the ground of the drawings as class maps, a PNG per picture, into a new folder. */
export async function writeMaps(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const scene of scenes) {
    const map = Buffer.alloc(WIDTH * HEIGHT);
    for (const { classIndex, mask } of await segment(scene)) {
      for (const [at, value] of toBitmap(decodeRuns(mask.counts), WIDTH, HEIGHT).entries())
        if (value === 1) map[at] = classIndex + 1;
    }
    await sharp(map, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toFile(join(folder, scene.name.replace('.jpg', '.png')));
  }
}

import { copyFileSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { extname, join } from 'node:path';
import { taskSettings } from '../../../electron/core/models/model-input.ts';
import { sha256OfFile } from '../../../electron/core/packages/sha256.ts';
import { readPackage } from '../../../electron/core/packages/read-package.ts';
import type { FoundFile } from '../../../electron/core/files/scan-folder.ts';
import { Library } from '../../../electron/core/store/library.ts';
import type { ImageFacts, ImageOutcome } from '../../../electron/shared/engine-api.ts';
import type { Manifest } from '../../../electron/shared/model-package.ts';
import type { Preset } from '../../../electron/shared/run.ts';
import { topAreas, topFound } from '../../../electron/engine/predict/top-classes.ts';
import { encodeRuns } from '../../../electron/shared/mask.ts';
import { everyday10 } from './models.ts';

/** Names per sub-folder: so many links make a folder of 100,000 paths from a handful of files. */
const PER_ALBUM = 100;

export interface LargeLibraryOptions {
  images: number;
  /** Real picture files that the images are; without any, the images' files do not exist. */
  pictures?: readonly string[];
  manifest?: Manifest; // everyday10's when left out
  /** Whether the library met the files in another order than that of their paths, as a scan does. */
  shuffled?: boolean;
  /** Whether there is a second run of the model, with another preset, that gives some of the images other labels. */
  twice?: boolean;
}

export interface LargeLibrary {
  runId: number;
  otherRunId: number; // 0 without a second run
  imageIds: number[]; // in order of paths
}

/**
 * Makes a library at `libraryPath` with a run, done, on very many images below `folder`, without an engine. The images
 * differ in label, confidence, work and time; every 50th failed and every 70th is pending. A detection model found 0 to 19
 * objects in each, a segmentation model two classes. Equal arguments make equal libraries.
 */
export async function makeLargeLibrary(
  libraryPath: string,
  folder: string,
  options: LargeLibraryOptions,
): Promise<LargeLibrary> {
  const summary = await readPackage(everyday10);
  const modelSha256 = await sha256OfFile(everyday10);
  const manifest = options.manifest ?? summary.manifest;
  const files = placeFiles(folder, options.images, options.pictures ?? []);
  const library = Library.open(libraryPath);
  try {
    library.models.put({ sha256: modelSha256, name: 'everyday10', path: everyday10, manifest });
    const spec = {
      folders: [folder],
      modelName: 'everyday10',
      modelSha256,
      device: 'cpu',
      ...taskSettings(manifest),
    };
    return library.transaction(() => {
      const { id } = library.folders.ensure(folder);
      const scan = library.folders.beginScan(id);
      if (options.shuffled === true) meetShuffled(files, (file) => library.images.see(id, file, scan));
      const imageIds = files.map((file) => library.images.see(id, file, scan));
      library.folders.endScan(id, scan);
      const saveRun = (preset: Preset, other: boolean) => {
        const run = library.runs.ensure({ ...spec, preset }, '2026-01-02T03:04:05.000Z');
        for (const [index, file] of files.entries()) {
          const imageId = imageIds[index] ?? 0;
          library.results.enqueue(run.id, imageId, file);
          if (index % 70 === 69) continue;
          const outcome = makeOutcome(index, file, manifest, other);
          library.results.save(run.id, imageId, outcome);
          library.images.setFacts(imageId, outcome.facts);
        }
        library.runs.setState(run.id, 'done', '2026-01-02T04:04:05.000Z');
        return run.id;
      };
      const runId = saveRun(PRESET, false);
      return { runId, otherRunId: options.twice === true ? saveRun(OTHER_PRESET, true) : 0, imageIds };
    });
  } finally {
    library.close();
  }
}

const PRESET: Preset = {
  name: 'balanced',
  tokenKeep: [0.7, 0.49, 0.343],
  blockThreshold: 0.5,
  precision: 'fp32',
};
const OTHER_PRESET: Preset = { ...PRESET, name: 'fast', tokenKeep: [0.5, 0.25, 0.125] };

/** The files in order of paths; with pictures, all albums but the first are links to it. */
function placeFiles(folder: string, images: number, pictures: readonly string[]): FoundFile[] {
  const album = (index: number) => `album ${String(index).padStart(5, '0')}`;
  const [first, albums] = [join(folder, album(0)), Math.ceil(images / PER_ALBUM)];
  mkdirSync(first, { recursive: true });
  const files = Array.from({ length: PER_ALBUM }, (_, index) => {
    const picture = pictures[index % Math.max(pictures.length, 1)];
    const name = `IMG_${String(index).padStart(3, '0')}${extname(picture ?? '.jpg')}`;
    if (picture === undefined) return { name, fileSize: 1000 + index, modifiedMs: 1 };
    copyFileSync(picture, join(first, name));
    const { size, mtimeMs } = statSync(join(first, name));
    return { name, fileSize: size, modifiedMs: Math.floor(mtimeMs) };
  });
  if (pictures.length > 0) {
    for (let index = 1; index < albums; index++) symlinkSync(album(0), join(folder, album(index)));
  }
  return Array.from({ length: images }, (_, index) => {
    const { name, fileSize, modifiedMs } = files[index % PER_ALBUM] ?? {
      name: '',
      fileSize: 0,
      modifiedMs: 0,
    };
    return { relativePath: `${album(Math.floor(index / PER_ALBUM))}/${name}`, fileSize, modifiedMs };
  });
}

/** Every file once, in an order without a pattern that catches the eye. */
function meetShuffled(files: readonly FoundFile[], meet: (file: FoundFile) => void): void {
  const order = files.map((_, index) => noise(index, 5));
  const indices = [...files.keys()].sort((one, other) => (order[one] ?? 0) - (order[other] ?? 0));
  for (const index of indices) {
    const file = files[index];
    if (file !== undefined) meet(file);
  }
}

function makeOutcome(
  index: number,
  { fileSize, modifiedMs }: FoundFile,
  manifest: Manifest,
  other: boolean,
): ImageOutcome {
  const facts: ImageFacts = {
    version: { fileSize, modifiedMs },
    width: 640,
    height: 480,
    capturedAt:
      index % 3 === 0 ? undefined : new Date(1.6e12 + noise(index, 1) * 1e11).toISOString().slice(0, 19),
  };
  if (index % 50 === 49) return { status: 'failed', facts, problem: { code: 'cutShort' } };
  const patches = Math.floor((manifest.imageSize - manifest.patchSize) / manifest.stride + 1) ** 2;
  const receipt = {
    directions: Uint8Array.from({ length: manifest.depth }, (_, layer) =>
      Math.floor(noise(index, 10 + layer) * 4),
    ),
    survived: Uint8Array.from({ length: patches }, (_, patch) => (index + patch) % 4),
    milliseconds: 10 + noise(index, 4),
  };
  return { status: 'ok', facts, ...makeFindings(index, manifest, other), receipt };
}

type Findings = Pick<Extract<ImageOutcome, { status: 'ok' }>, 'top' | 'detections' | 'regions'>;

/** `other`: of the second run, which sees another class in every ninth image or so, and is surer or less sure. */
function makeFindings(index: number, manifest: Manifest, other: boolean): Findings {
  const shift = other && noise(index, 7) < 0.11 ? 1 : 0;
  const best = Math.floor(noise(index, 2) ** 2 * manifest.classes) + shift;
  const classAt = (rank: number) => (best + rank) % manifest.classes;
  if (manifest.task === 'detection') {
    const detections = Array.from({ length: Math.floor(noise(index, 6) * 20) }, (_, rank) => ({
      classIndex: classAt(Math.floor(noise(index, 30 + rank) ** 2 * 8)),
      score: 0.05 + (0.9 * noise(index, 3)) / (rank / 4 + 1),
      box: { x: 30 * rank, y: 20 * rank, width: 40, height: 80 },
      mask: MADE_MASK,
    }));
    return { top: topFound(detections), detections };
  }
  if (manifest.task === 'segmentation') {
    const regions = [0, 1].map((rank) => ({ classIndex: classAt(rank), mask: MADE_MASK }));
    return { top: topAreas(regions, 640 * 480), regions };
  }
  const confidence = 0.2 + 0.8 * noise(index, 3) * (other ? noise(index, 8) : 1);
  const top = Array.from({ length: Math.min(5, manifest.classes) }, (_, rank) => ({
    classIndex: classAt(rank),
    confidence: rank === 0 ? confidence : Math.min(confidence, (1 - confidence) / 2 ** rank),
  }));
  return { top };
}

/** The left half of a picture of 640 x 480 pixels. */
const MADE_MASK = { area: 153_600, counts: encodeRuns([0, 153_600, 153_600]) };

/** From 0 to 1, the same for the same numbers. */
function noise(index: number, kind: number): number {
  const value = Math.sin(index * 12.9898 + kind * 78.233) * 43758.5453;
  return value - Math.floor(value);
}

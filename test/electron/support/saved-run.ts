import { readManifest } from '../../../electron/core/packages/read-package.ts';
import { Library } from '../../../electron/core/store/library.ts';
import { taskSettings } from '../../../electron/core/models/model-input.ts';
import { topAreas, topFound } from '../../../electron/engine/predict/top-classes.ts';
import type { ImageFacts, ImageOutcome } from '../../../electron/shared/engine-api.ts';
import type { Label, Manifest } from '../../../electron/shared/model-package.ts';
import type { Preset, Receipt } from '../../../electron/shared/run.ts';
import { makeFound } from './found.ts';
import type { MadeUp } from './found.ts';
import { everyday10 } from './models.ts';

/**
 * What a run found in a file: of a classifier classes best first and the confidence of the best, of which each other one
 * has half of that before it, or all confidences; of others detections best first or regions largest first; and scans that
 * ran. Or that it failed.
 */
export type Found =
  (({ classes: number[]; confidence?: number | number[] } | MadeUp) & Circumstances) | 'failed' | 'pending';

interface Circumstances {
  blocksRun?: number;
  size?: [number, number];
  capturedAt?: string;
}

export interface SavedRun {
  runId: number;
  ids: Record<string, number>; // relative path -> image
}

export const ACCURATE: Preset = {
  name: 'accurate',
  tokenKeep: [1, 1, 1],
  blockThreshold: 0,
  precision: 'fp32',
};

/** The manifest of everyday10 with other labels. */
export async function manifestWith(labels: Label[]): Promise<Manifest> {
  return { ...(await readManifest(everyday10)), classes: labels.length, labels };
}

/**
 * Puts a run on `folder` into the library, as if a model had found this in the files: relative path -> found. Runs with
 * another `name` have another model; Accurate is the preset where none is given.
 */
export function saveRun(
  libraryPath: string,
  folder: string,
  model: { name: string; manifest: Manifest; preset?: Preset },
  files: Record<string, Found>,
): SavedRun {
  const library = Library.open(libraryPath);
  const { name, manifest, preset = ACCURATE } = model;
  try {
    library.models.put({ sha256: name, name, path: `/${name}`, manifest });
    const spec = {
      folders: [folder],
      modelName: name,
      modelSha256: name,
      preset,
      device: 'cpu',
      ...taskSettings(manifest),
    };
    const { id: runId } = library.runs.ensure(spec, '2026-01-02T03:04:05.000Z');
    const { id: folderId } = library.folders.ensure(folder);
    const scan = library.folders.beginScan(folderId);
    const ids = Object.entries(files).map(([relativePath, found]) => {
      const file = { relativePath, fileSize: 1, modifiedMs: 1 };
      const imageId = library.images.see(folderId, file, scan);
      library.results.enqueue(runId, imageId, file);
      if (found !== 'pending') {
        const outcome = toOutcome(found, manifest);
        library.results.save(runId, imageId, outcome);
        library.images.setFacts(imageId, outcome.facts);
      }
      return [relativePath, imageId];
    });
    library.folders.endScan(folderId, scan);
    library.runs.setState(runId, 'done', '2026-01-02T04:04:05.000Z');
    return { runId, ids: Object.fromEntries(ids) as Record<string, number> };
  } finally {
    library.close();
  }
}

function toOutcome(found: Exclude<Found, 'pending'>, manifest: Manifest): ImageOutcome {
  const version = { fileSize: 1, modifiedMs: 1 };
  if (found === 'failed') {
    const facts = { version, width: undefined, height: undefined, capturedAt: undefined };
    return { status: 'failed', facts, problem: { code: 'cutShort' } };
  }
  const { blocksRun = 0, size = [48, 40], capturedAt } = found;
  const facts = { version, width: size[0], height: size[1], capturedAt };
  const directions = Uint8Array.from({ length: manifest.depth }, (_, layer) => (layer < blocksRun ? 1 : 0));
  const receipt = { directions, survived: Uint8Array.from([3, 3, 1, 0]), milliseconds: 2 };
  if (!('classes' in found)) return denseOutcome(found, facts, size, receipt);
  const { classes, confidence = 0.5 } = found;
  const confidenceAt = (rank: number) =>
    typeof confidence === 'number' ? confidence / 2 ** rank : (confidence[rank] ?? 0);
  const top = classes.map((classIndex, rank) => ({ classIndex, confidence: confidenceAt(rank) }));
  return { status: 'ok', facts, top, receipt };
}

function denseOutcome(
  madeUp: MadeUp,
  facts: ImageFacts,
  size: [number, number],
  receipt: Receipt,
): ImageOutcome {
  const found = makeFound(madeUp, size);
  const { detections, regions = [] } = found;
  const top = detections === undefined ? topAreas(regions, size[0] * size[1]) : topFound(detections);
  return { status: 'ok', facts, top, ...found, receipt };
}

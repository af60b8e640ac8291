import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { AppService } from '../../../electron/core/app-service.ts';
import { findsMasks } from '../../../electron/core/models/detection-head.ts';
import { taskSettings } from '../../../electron/core/models/model-input.ts';
import { Library } from '../../../electron/core/store/library.ts';
import { topAreas, topFound } from '../../../electron/engine/predict/top-classes.ts';
import type { DetectionManifest, Label, Manifest } from '../../../electron/shared/model-package.ts';
import type { SavedRun } from './saved-run.ts';
import { detectorManifest, makeFound, segmenterManifest } from './found.ts';
import type { MadeUp } from './found.ts';
import { session } from './test-app.ts';
import { draw } from './pictures.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface FoundRun extends SavedRun {
  app: AppService;
  root: string; // a folder of the test's own; the images lie in folders below
  libraryPath: string;
}

/** What a model is to have found in a picture of `size`, 48 x 40 without it. */
export type FoundPicture = (MadeUp & { size?: [number, number] }) | 'failed' | 'pending';

/** Two folders of images of three classes: found above and below the threshold, nothing found, failed and pending. */
export const WOODS_AND_FIELDS: Record<string, FoundPicture> = {
  'woods/a/1.jpg': {
    detections: [
      [0, 0.9, 6, 4, 24, 20],
      [1, 0.6, 0, 0, 12, 10],
      [0, 0.3, 1, 1, 5, 5],
    ],
  },
  'woods/a/1.png': { detections: [] },
  'woods/bad.jpg': 'failed',
  'woods/late.jpg': 'pending',
  'fields/a/1.jpg': { detections: [[2, 0.5, 10.5, 8.25, 20, 16]], size: [60, 50] },
};

/** What a detection model's manifest says otherwise. */
type Change = Partial<Pick<DetectionManifest, 'head'>>;

/**
 * A run of a detection or segmentation model on pictures that there are, drawn for it, as if the model had found this in
 * them: `<folder>/<path>` -> found. Every first part of a path is a folder of the run.
 */
export async function foundRun(
  t: TestContext,
  task: 'detection' | 'segmentation',
  labels: Label[],
  files: Record<string, FoundPicture>,
  change: Change = {},
): Promise<FoundRun> {
  const root = temporaryFolder(t);
  const libraryPath = join(root, 'library.db');
  const manifest =
    task === 'detection'
      ? { ...(await detectorManifest(labels)), ...change }
      : await segmenterManifest(labels);
  for (const [seed, [path, found]] of Object.entries(files).entries()) {
    const [width, height] = sizeOf(found);
    const place = join(root, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, await draw(width, height, seed).png().toBuffer());
  }
  const saved = save(libraryPath, root, manifest, files);
  return { ...saved, root, libraryPath, app: session(t, libraryPath).app };
}

function sizeOf(found: FoundPicture): [number, number] {
  return (typeof found === 'object' ? found.size : undefined) ?? [48, 40];
}

function save(
  libraryPath: string,
  root: string,
  manifest: Manifest,
  files: Record<string, FoundPicture>,
): SavedRun {
  const library = Library.open(libraryPath);
  try {
    const names = [...new Set(Object.keys(files).map((path) => path.slice(0, path.indexOf('/'))))].sort();
    const model = { sha256: 'finder', name: 'finder', path: '/finder', manifest };
    library.models.put(model);
    const preset = { name: 'accurate', tokenKeep: [], blockThreshold: 0, precision: 'fp32' as const };
    const folders = names.map((name) => join(root, name));
    const spec = {
      folders,
      modelName: 'finder',
      modelSha256: 'finder',
      preset,
      device: 'cpu',
      ...taskSettings(manifest),
    };
    const { id: runId } = library.runs.ensure(spec, '2026-01-02T03:04:05.000Z');
    const ids: Record<string, number> = {};
    for (const name of names) {
      const { id: folderId } = library.folders.ensure(join(root, name));
      const scan = library.folders.beginScan(folderId);
      for (const [path, found] of Object.entries(files)) {
        if (!path.startsWith(`${name}/`)) continue;
        const { size: fileSize, mtimeMs } = statSync(join(root, path));
        const version = { fileSize, modifiedMs: Math.floor(mtimeMs) };
        const file = { relativePath: path.slice(name.length + 1), ...version };
        const imageId = library.images.see(folderId, file, scan);
        ids[path] = imageId;
        library.results.enqueue(runId, imageId, file);
        if (found === 'pending') continue;
        const [width, height] = sizeOf(found);
        const known = { version, width, height, capturedAt: undefined };
        if (found === 'failed') {
          const facts = { ...known, width: undefined, height: undefined };
          library.results.save(runId, imageId, {
            status: 'failed',
            facts,
            problem: { code: 'damaged', details: `${basename(path)} is broken` },
          });
          continue;
        }
        const made = makeFound(found, [width, height]);
        const { detections, regions = [] } = made;
        if (!findsMasks(manifest)) for (const detection of detections ?? []) delete detection.mask;
        const top = detections === undefined ? topAreas(regions, width * height) : topFound(detections);
        const receipt = { directions: new Uint8Array(8), survived: new Uint8Array(16), milliseconds: 2 };
        library.results.save(runId, imageId, { status: 'ok', facts: known, top, ...made, receipt });
        library.images.setFacts(imageId, known);
      }
      library.folders.endScan(folderId, scan);
    }
    library.runs.setState(runId, 'done', '2026-01-02T04:04:05.000Z');
    return { runId, ids };
  } finally {
    library.close();
  }
}

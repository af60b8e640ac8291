import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { TestContext } from 'node:test';
import { ZipFile } from 'yazl';
import type { AppService } from '../../../../electron/core/app-service.ts';
import type { LabelPurpose, LabelReport, LabelRequest } from '../../../../electron/shared/api/labels.ts';
import type { SkipReason } from '../../../../electron/shared/label-skips.ts';
import { draw } from '../../support/pictures.ts';
import { session } from '../../support/test-app.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

export interface LabelWorld {
  app: AppService;
  root: string;
  folder: string; // of pictures of 100 x 80 pixels
  libraryPath: string;
  /** Writes a file below the root, and returns its path. */
  put: (name: string, content: string | Uint8Array) => string;
  /** Takes a file in as a run of the tool "other", and says what was found in each picture. */
  run: (
    path: string,
    more?: Partial<LabelRequest>,
  ) => Promise<{ report: LabelReport; runId: number; found: Found }>;
  inspect: (path: string, more?: Partial<LabelRequest>) => Promise<LabelReport>;
}

/** By path: labels with scores of the image, and boxes as `label score x y width height`. */
export type Found = Record<string, { label: string | undefined; boxes: string[] }>;

export const AS_RUN: LabelPurpose = { kind: 'run', tool: 'other' };

/** A library, and a folder of small pictures with these paths. */
export async function labelWorld(t: TestContext, paths: readonly string[]): Promise<LabelWorld> {
  const root = temporaryFolder(t);
  const folder = join(root, 'pictures');
  for (const [seed, path] of paths.entries()) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), await draw(100, 80, seed).png().toBuffer());
  }
  const libraryPath = join(root, 'library.db');
  const { app } = session(t, libraryPath);
  const put = (name: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
    return join(root, name);
  };
  const run: LabelWorld['run'] = async (path, more = {}) => {
    const { report, runId } = await app.importLabels({ path, folder, purpose: AS_RUN, ...more });
    return { report, runId, found: await foundIn(app, runId) };
  };
  const inspect: LabelWorld['inspect'] = (path, more = {}) =>
    app.inspectLabels({ path, folder, purpose: AS_RUN, ...more });
  return { app, root, folder, libraryPath, put, run, inspect };
}

/** Writes a zip of files with these texts, and returns its path. */
export async function writeZip(path: string, files: Record<string, string>): Promise<string> {
  const archive = new ZipFile();
  for (const [name, text] of Object.entries(files)) archive.addBuffer(Buffer.from(text), name);
  archive.end();
  await pipeline(archive.outputStream, createWriteStream(path));
  return path;
}

const rounded = (value: number) => Number(value.toFixed(2));

export async function foundIn(app: AppService, runId: number): Promise<Found> {
  const { imageIds } = await app.findImages({ runId, filter: { minScore: 0 }, sort: 'path' });
  const found: Found = {};
  for (const imageId of imageIds) {
    const { item, detections } = await app.showImage({ runId, imageId, minScore: 0 });
    found[item.relativePath] = {
      label: item.label,
      boxes: detections.map(({ label, score, x, y, width, height }) =>
        [label, rounded(score), ...[x, y, width, height].map(rounded)].join(' '),
      ),
    };
  }
  return found;
}

/** How often something was left out or changed, by reason. */
export function skipped({ skipped: list }: LabelReport): Partial<Record<SkipReason, number>> {
  return Object.fromEntries(list.map(({ reason, count }) => [reason, count]));
}

export const example = ({ skipped: list }: LabelReport, reason: SkipReason): string | undefined =>
  list.find((one) => one.reason === reason)?.example;

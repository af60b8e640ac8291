import { setImmediate } from 'node:timers/promises';
import type { LabelRequest } from '../../shared/api/labels.ts';
import { AppError } from '../../shared/errors.ts';
import type { Task, ToolManifest } from '../../shared/model-package.ts';
import type { ImportedFind } from '../../shared/run.ts';
import type { Library } from '../store/library.ts';
import { sha256OfTool } from '../store/tables/models.ts';
import type { ImageLabels } from './resolve-labels.ts';
import { finderLabels } from './finder-classes.ts';
import { leastScore } from './least-score.ts';
import { Staging } from './staging.ts';

/** Images that are saved together: so few that nobody else waits long. */
const PER_TRANSACTION = 200;

export interface SaveOptions {
  library: Library;
  staging: string; // path of the database of readLabels
  folder: string; // of the library
  request: LabelRequest;
  format: string;
  task: Task;
  images: number; // that are to be saved
  now: string; // ISO 8601
  signal: AbortSignal;
  onProgress: (done: number, total: number) => void;
}

/**
 * Saves what labels became as a run of another tool, which nobody sees before it is whole; returns its number. Rejects with
 * CANCELLED, and leaves nothing then. The caller holds the library's writer lock.
 */
export async function saveRun(tool: string, options: SaveOptions): Promise<number> {
  const { library, request, folder, format, task, now } = options;
  const staging = new Staging(options.staging);
  let runId: number | undefined;
  try {
    const manifest: ToolManifest = { tool, task, labels: staging.runClasses() };
    const { shownScore } = staging;
    const imported = { path: request.path, format, task, ...(shownScore !== undefined && { shownScore }) };
    const id = library.transaction(() => {
      const sha256 = sha256OfTool(manifest);
      library.models.put({ sha256, name: tool, path: '', manifest });
      return library.runs.beginImport(
        {
          folders: [folder],
          modelName: tool,
          modelSha256: sha256,
          imported,
          find: keepFinder(tool, sha256, staging, options),
        },
        now,
      );
    });
    runId = id;
    await forEachGroup(staging, options, (group) => {
      for (const { imageId, outcome, size } of group) {
        if (outcome === undefined) continue;
        library.results.add(id, imageId, outcome);
        if (size !== undefined) library.images.setSize(imageId, size);
      }
    });
    library.transaction(() => library.runs.endImport(id));
    return id;
  } catch (error) {
    const begun = runId;
    if (begun !== undefined) library.transaction(() => library.runs.remove(begun));
    throw error;
  } finally {
    staging.close();
  }
}

/** Keeps whose boxes a run of another tool labels; undefined where one model says all. The caller has a transaction. */
function keepFinder(
  tool: string,
  classifierSha256: string,
  staging: Staging,
  { library, request }: SaveOptions,
): ImportedFind | undefined {
  const { stages } = staging;
  if (stages === undefined) return undefined;
  const modelName = stages.finder ?? tool;
  const labels = finderLabels(staging).map((name) => ({ name }));
  const manifest: ToolManifest = { tool: modelName, task: 'detection', labels };
  const modelSha256 = sha256OfTool(manifest);
  library.models.put({ sha256: modelSha256, name: modelName, path: '', manifest });
  const kept = staging.finderClasses().flatMap(({ name, isKept }) => (isKept ? name : []));
  const pass = [...new Set(kept)].sort();
  const minScore = leastScore(request, staging);
  return { modelName, modelSha256, minScore, rule: 'best', pass, classifierSha256 };
}

/**
 * Saves what labels became as reviews that `by` gave beside a run, as one step: put ready group by group, and then taken in
 * together. Rejects with CANCELLED, and no review has come in then. What is reviewed here meanwhile stays.
 */
export async function saveReviews(
  runId: number,
  { by, replace = false }: { by: string; replace?: boolean | undefined },
  options: SaveOptions,
): Promise<{ imageIds: number[]; kept: number }> {
  const { library, now } = options;
  const { reviewHistory } = library;
  const staging = new Staging(options.staging);
  const given = { source: by, verifiedAt: now, replace };
  const reviews = library.transaction(() => reviewHistory.beginTakingIn(runId, given));
  try {
    let kept = 0;
    await forEachGroup(staging, options, (group) => {
      kept += reviewHistory.putReady(
        reviews,
        group.flatMap(({ imageId, review }) => (review === undefined ? [] : [{ imageId, ...review }])),
      );
      for (const { imageId, size } of group) if (size !== undefined) library.images.setSize(imageId, size);
    });
    const { imageIds, overtaken } = library.transaction(() =>
      reviewHistory.takeIn(reviews, (images) => {
        return `Take in ${images.toLocaleString('en')} ${images === 1 ? 'review' : 'reviews'} of ${by}`;
      }),
    );
    return { imageIds, kept: kept + overtaken };
  } finally {
    library.transaction(() => reviewHistory.forgetReady(reviews));
    staging.close();
  }
}

type ImageGroup = (ImageLabels & { imageId: number })[];

function nextGroup(staging: Staging, after: number): ImageGroup {
  return staging
    .outcomes(after, PER_TRANSACTION)
    .map(({ imageId, outcome }) => ({ imageId, ...(outcome as ImageLabels) }));
}

/** Saves group after group, each in a transaction; others have their turn in between. */
async function forEachGroup(
  staging: Staging,
  { library, images, signal, onProgress }: SaveOptions,
  save: (group: ImageGroup) => void,
): Promise<void> {
  for (let [after, done] = [0, 0]; ;) {
    if (signal.aborted) throw new AppError('CANCELLED', 'The import was cancelled; nothing has come in');
    const group = nextGroup(staging, after);
    library.transaction(() => save(group));
    onProgress((done += group.length), images);
    if (group.length < PER_TRANSACTION) return;
    after = group.at(-1)?.imageId ?? 0;
    await setImmediate();
  }
}

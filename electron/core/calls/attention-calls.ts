import { dirname, join, resolve } from 'node:path';
import type { Attention, attentionArguments } from '../../shared/api/attention.ts';
import { AppError } from '../../shared/errors.ts';
import type { ModelPackage } from '../../shared/model-package.ts';
import { isPredicted } from '../../shared/run.ts';
import type { Preset } from '../../shared/run.ts';
import { isDense } from '../../shared/tasks.ts';
import type { AppContext, Calls } from '../app/app-context.ts';
import { modelInput } from '../models/model-input.ts';
import { locateModel } from '../runs/run-spec.ts';
import { notInRun } from './result-calls.ts';
import type { RunService } from '../services/run-service.ts';

/** Where layers look, computed when it is asked for, on the processor and in fp32. */
export function attentionCalls(
  context: AppContext,
  runService: RunService,
): Calls<keyof typeof attentionArguments> {
  return {
    explainImage: async ({ runId, imageId, layer }) => {
      const run = context.runRow(runId);
      const { spec } = run;
      if (!isPredicted(run) || spec.find !== undefined) throw unseen(runId);
      const [image] = context.library.resultQueries.rows(runId, [imageId]);
      if (image === undefined) notInRun(runId, imageId);
      const model = await locateModel(context.library.models.get(spec.modelSha256), context.registry);
      return explain(context, model, run.spec.preset, join(image.folder, image.relativePath), layer);
    },
    explainFile: async ({ path, layer, ...dial }) => {
      const file = resolve(path);
      const { model, spec } = await runService.resolve([dirname(file)], dial, {});
      return explain(context, model, spec.preset, file, layer ?? model.manifest.depth);
    },
  };
}

async function explain(
  { engine }: AppContext,
  { name, path: packagePath, manifest }: ModelPackage,
  { tokenKeep, blockThreshold }: Preset,
  path: string,
  layer: number,
): Promise<Attention> {
  const input = modelInput(manifest);
  if (isDense(input))
    throw new AppError(
      'BAD_ARGUMENT',
      `Expected a classifier, whose class token looks at patches, but ${name} draws maps or boxes`,
      'Name another model; `winnow models` lists them.',
    );
  if (layer > manifest.depth)
    throw new AppError(
      'BAD_ARGUMENT',
      `Expected a layer from 1 to ${manifest.depth}, which ${name} has, but it is ${layer}`,
    );
  const dial = { tokenKeep, blockThreshold };
  const seen = await engine.pictures
    .attention(path, { packagePath, input, dial, layer: layer - 1 })
    .catch((error: unknown) => {
      throw error instanceof AppError && error.code === 'BAD_IMAGE'
        ? new AppError('BAD_IMAGE', `${path}: ${error.message}`, undefined, { cause: error })
        : error;
    });
  return {
    model: name,
    layer,
    layers: manifest.depth,
    grid: Math.sqrt(seen.patches.length),
    ...seen,
  };
}

function unseen(runId: number): AppError {
  return new AppError(
    'BAD_ARGUMENT',
    `Run ${runId} has no classifier that saw its images whole, so there is no attention to show`,
  );
}

import { patchCount } from './flops.ts';
import type { ClassifierShape, ModelShape } from './model-shape.ts';
import { headInputs } from './head-flops.ts';
import { detectorShapes, segmenterShapes } from './dense-shapes.ts';
import { shortened, shortJson } from '../../shared/shortened.ts';
import { forTask } from '../../shared/tasks.ts';

export type ShapesByName = ReadonlyMap<string, readonly number[]>;

/** How many of the names that are wrong a sentence says. */
const NAMES_SAID = 5;

/**
 * Names and shapes of a model's tensors, in the order of the original's state dict. D = embedDim, E = 2D inner
 * channels, N = stateDim, R = dtRank, K = convWidth, n = registers, q = registerReduction; linear weights are [out, in].
 */
export function tensorShapes(model: ModelShape): ShapesByName {
  const trunk = trunkShapes(model);
  return new Map(
    forTask(model, {
      classification: (classifier) => classifierShapes(classifier, trunk),
      segmentation: (segmenter) => segmenterShapes(segmenter, trunk),
      detection: (detector) => detectorShapes(detector, trunk),
    }),
  );
}

function classifierShapes(model: ClassifierShape, trunk: [string, number[]][]): [string, number[]][] {
  return [
    ...specialTokenShapes(model),
    ...trunk,
    ['head.weight', [model.classes, headInputs(model)]],
    ['head.bias', [model.classes]],
    ['norm_f.weight', [model.embedDim]],
  ];
}

/** What every model has: patch embedding, blocks and predictors. */
function trunkShapes(model: ModelShape): [string, number[]][] {
  const { embedDim: D, patchSize: P } = model;
  const shapes: [string, number[]][] = [
    ['patch_embed.proj.weight', [D, 3, P, P]],
    ['patch_embed.proj.bias', [D]],
  ];
  for (let layer = 0; layer < model.depth; layer++) {
    shapes.push(...withPrefix(`layers.${layer}.`, blockShapes(model)));
  }
  for (const stage of model.pruningLayers.keys()) {
    shapes.push(...withPrefix(`score_predictors.${stage}.`, predictorShapes(D)));
  }
  return shapes;
}

/** The class token has its place among the positions; registers have positions and a head of their own. */
function specialTokenShapes(model: ClassifierShape): [string, number[]][] {
  const { embedDim: D, registers: n } = model;
  if (n === undefined) {
    return [
      ['cls_token', [1, 1, D]],
      ['pos_embed', [1, patchCount(model) + 1, D]],
    ];
  }
  return [
    ['cls_token', [1, n, D]],
    ['pos_embed', [1, patchCount(model), D]],
    ['pos_embed_cls', [1, n, D]],
    ['neck.weight', [D / (model.registerReduction ?? 1), D]],
    ['norm_neck.weight', [headInputs(model)]],
  ];
}

/** A scan direction has its own convolution, projections and A, D; the backward ones have `_b` in their names. */
function blockShapes(model: ModelShape): [string, number[]][] {
  const { embedDim: D, stateDim: N, dtRank: R, convWidth: K } = model;
  const E = 2 * D;
  const blockHead: [string, number[]][] = [
    ['mixer.block_head.weight', [2, 2 * E]],
    ['mixer.block_head.bias', [2]],
  ];
  return [
    ['mixer.A_log', [E, N]],
    ['mixer.D', [E]],
    ['mixer.A_b_log', [E, N]],
    ['mixer.D_b', [E]],
    ['mixer.in_proj.weight', [2 * E, D]],
    ...['', '_b'].flatMap((direction): [string, number[]][] => [
      [`mixer.conv1d${direction}.weight`, [E, 1, K]],
      [`mixer.conv1d${direction}.bias`, [E]],
      [`mixer.x_proj${direction}.weight`, [R + 2 * N, E]],
      [`mixer.dt_proj${direction}.weight`, [E, R]],
      [`mixer.dt_proj${direction}.bias`, [E]],
    ]),
    ...(model.blockSelection ? blockHead : []),
    ['mixer.out_proj.weight', [D, E]],
    ['norm.weight', [D]],
  ];
}

function predictorShapes(D: number): [string, number[]][] {
  return [
    ['in_conv.0.weight', [D]],
    ['in_conv.0.bias', [D]],
    ['in_conv.1.weight', [D, D]],
    ['in_conv.1.bias', [D]],
    ['out_conv.0.weight', [D / 2, D]],
    ['out_conv.0.bias', [D / 2]],
    ['out_conv.2.weight', [D / 4, D / 2]],
    ['out_conv.2.bias', [D / 4]],
    ['out_conv.4.weight', [2, D / 4]],
    ['out_conv.4.bias', [2]],
  ];
}

/** What is wrong with a model's tensors, as one sentence that names some; undefined when they are as expected. */
export function shapeProblem(expected: ShapesByName, actual: ShapesByName): string | undefined {
  return namesProblem(expected, actual) ?? sizesProblem(expected, actual);
}

/** Of the names alone: which are missing and which are unknown, the first few of each. */
export function namesProblem(expected: ShapesByName, actual: ShapesByName): string | undefined {
  const missing = [...expected.keys()].filter((name) => !actual.has(name));
  const unknown = [...actual.keys()].filter((name) => !expected.has(name));
  const problems = [
    ...(missing.length === 0 ? [] : [`${tensorNames(missing)} missing`]),
    ...(unknown.length === 0 ? [] : [`${tensorNames(unknown)} unknown in this kind of model`]),
  ];
  return problems.length === 0 ? undefined : upperFirst(problems.join(', and '));
}

function sizesProblem(expected: ShapesByName, actual: ShapesByName): string | undefined {
  for (const [name, shape] of expected) {
    const found = actual.get(name) ?? [];
    if (found.join() !== shape.join())
      return `The tensor ${shortened(name)} must be ${shortJson(shape)}, but is ${shortJson(found)}`;
  }
  return undefined;
}

function tensorNames(names: readonly string[]): string {
  const said = names.slice(0, NAMES_SAID).map(shortened);
  const others = names.length > said.length ? ` and ${names.length - said.length} more` : '';
  return `the tensor${names.length === 1 ? '' : 's'} ${said.join(', ')}${others} ${names.length === 1 ? 'is' : 'are'}`;
}

function upperFirst(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function withPrefix(prefix: string, shapes: [string, number[]][]): [string, number[]][] {
  return shapes.map(([name, shape]) => [prefix + name, shape]);
}

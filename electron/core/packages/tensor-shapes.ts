import { headInputs, patchCount, type ModelShape } from '../flops.ts';

export type ShapesByName = ReadonlyMap<string, readonly number[]>;

/**
 * Names and shapes of a model's tensors, in the order of the original's state dict. D = embedDim, E = 2D inner
 * channels, N = stateDim, R = dtRank, K = convWidth, n = registers, q = registerReduction; linear weights are [out, in].
 */
export function tensorShapes(model: ModelShape): ShapesByName {
  const { embedDim: D, patchSize: P, classes } = model;
  const shapes: [string, number[]][] = [
    ...specialTokenShapes(model),
    ['patch_embed.proj.weight', [D, 3, P, P]],
    ['patch_embed.proj.bias', [D]],
    ['head.weight', [classes, headInputs(model)]],
    ['head.bias', [classes]],
  ];
  for (let layer = 0; layer < model.depth; layer++) {
    shapes.push(...withPrefix(`layers.${layer}.`, blockShapes(model)));
  }
  for (const stage of model.pruningLayers.keys()) {
    shapes.push(...withPrefix(`score_predictors.${stage}.`, predictorShapes(D)));
  }
  shapes.push(['norm_f.weight', [D]]);
  return new Map(shapes);
}

/** The class token has its place among the positions; registers have positions and a head of their own. */
function specialTokenShapes(model: ModelShape): [string, number[]][] {
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

/** What is wrong with a model's tensors, as one sentence that names a tensor; undefined when they are as expected. */
export function shapeProblem(expected: ShapesByName, actual: ShapesByName): string | undefined {
  for (const [name, shape] of expected) {
    const found = actual.get(name);
    if (found === undefined) return `The tensor ${name} is missing`;
    if (found.join() !== shape.join())
      return `The tensor ${name} must be [${shape.join()}], but is [${found.join()}]`;
  }
  const extra = [...actual.keys()].find((name) => !expected.has(name));
  return extra === undefined
    ? undefined
    : `The tensor ${extra.slice(0, 100)} does not belong to this kind of model`;
}

function withPrefix(prefix: string, shapes: [string, number[]][]): [string, number[]][] {
  return shapes.map(([name, shape]) => [prefix + name, shape]);
}

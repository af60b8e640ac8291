import type { ConvolutionHead, MaskRcnnHead, OneStageHead, UperNetHead } from '../../shared/model-package.ts';
import { isOneStage } from './detection-head.ts';
import { patchCount } from './flops.ts';
import type { DetectorShape, SegmenterShape } from './model-shape.ts';
import { isOfConvolutions } from './segmentation-head.ts';

type Shapes = [string, number[]][];

/** Anchors of the proposal network at every place. */
const ANCHORS = 3;

/** Side of what the box head pools. */
const BOX_POOL = 7;

// D = embedDim, C = channels of the head; convolutions are [out, in, rows, columns], deconvolutions [in, out, 2, 2].
// `trunk`: what a model shares with a classifier, under the names that that has.

export function segmenterShapes(model: SegmenterShape, trunk: Shapes): Shapes {
  const { head } = model;
  return [
    ...prefixed('backbone', backboneShapes(model, trunk)),
    ...(isOfConvolutions(head) ? convolutionShapes(model, head) : upernetShapes(model, head)),
  ];
}

/** The light head. */
function convolutionShapes({ embedDim: D, classes }: SegmenterShape, { width: C }: ConvolutionHead): Shapes {
  return prefixed('head', [
    ...scaleAndShift('norm', D),
    ...layer('project', [D, C, 2, 2], C),
    ...scaleAndShift('project.norm', C),
    ...levelNormed('smooth.0', C, C, 3),
    ...levelNormed('smooth.1', C, C, 3),
    ...layer('classes', [classes, C, 1, 1], classes),
  ]);
}

/** UperNet; `norm_f` is in the file, and nothing uses it. */
function upernetShapes({ embedDim: D, classes }: SegmenterShape, head: UperNetHead): Shapes {
  const C = head.width;
  return [
    ...prefixed('backbone', [
      ['norm_f.weight', [D]],
      ...layer('fpn1.0', [D, D, 2, 2], D),
      ...batchNorm('fpn1.1', D),
      ...layer('fpn1.3', [D, D, 2, 2], D),
      ...layer('fpn2.0', [D, D, 2, 2], D),
    ]),
    ...prefixed('decode_head', [
      ...layer('conv_seg', [classes, C, 1, 1], classes),
      ...head.poolScales.flatMap((_, branch) => normalised(`psp_modules.${branch}.1`, C, D, 1)),
      ...normalised('bottleneck', C, D + head.poolScales.length * C, 3),
      ...[0, 1, 2].flatMap((level) => normalised(`lateral_convs.${level}`, C, D, 1)),
      ...[0, 1, 2].flatMap((level) => normalised(`fpn_convs.${level}`, C, C, 3)),
      ...normalised('fpn_bottleneck', C, 4 * C, 3),
    ]),
  ];
}

export function detectorShapes(model: DetectorShape, trunk: Shapes): Shapes {
  const { head } = model;
  return [
    ...prefixed('backbone.net', backboneShapes(model, trunk)),
    ...(isOneStage(head) ? oneStageShapes(model, head) : maskRcnnShapes(model, head)),
  ];
}

/** Towers, and what every place of the pyramid says; `pyramid.0` is the finest level. */
function oneStageShapes({ embedDim: D, classes }: DetectorShape, head: OneStageHead): Shapes {
  const { width: C, layers, prototypes } = head;
  const inputs = [D / 2, D, D];
  const tower = (name: string) =>
    Array.from({ length: layers }, (_, number) => levelNormed(`${name}.${number}`, C, C, 3)).flat();
  const masks: Shapes = prototypes
    ? [
        ...layer('head.coefficients', [prototypes, C], prototypes),
        ...prefixed('prototypes', [
          ...levelNormed('smooth', C, C, 3),
          ...layer('up', [C, C / 2, 2, 2], C / 2),
          ...scaleAndShift('up.norm', C / 2),
          ...layer('out', [prototypes, C / 2, 1, 1], prototypes),
        ]),
      ]
    : [];
  return [
    ...layer('pyramid.0.up', [D, D / 2, 2, 2], D / 2),
    ...inputs.flatMap((into, level) => [
      ...levelNormed(`pyramid.${level}.narrow`, C, into, 1),
      ...levelNormed(`pyramid.${level}.smooth`, C, C, 3),
    ]),
    ...prefixed('head', [
      ...tower('class_tower'),
      ...tower('box_tower'),
      ...layer('classes', [classes, C], classes),
      ...layer('distances', [4, C], 4),
      ['scales', [inputs.length]],
      ...layer('quality', [1, C], 1),
    ]),
    ...masks,
  ];
}

/** Mask R-CNN over a simple feature pyramid; the box heads of a cascade are numbered. */
function maskRcnnShapes({ embedDim: D, classes }: DetectorShape, head: MaskRcnnHead): Shapes {
  const { width: C, boxWidth, stages } = head;
  const boxValues = head.boxPerClass ? 4 * classes : 4;
  const stageNames = stages === 1 ? [''] : Array.from({ length: stages }, (_, stage) => `.${stage}`);
  return [
    ...prefixed('backbone', [
      ...layer('simfp_2.0', [D, D / 2, 2, 2], D / 2),
      ...scaleAndShift('simfp_2.1', D / 2),
      ...layer('simfp_2.3', [D / 2, D / 4, 2, 2], D / 4),
      ...levelNormed('simfp_2.4', C, D / 4, 1),
      ...levelNormed('simfp_2.5', C, C, 3),
      ...layer('simfp_3.0', [D, D / 2, 2, 2], D / 2),
      ...levelNormed('simfp_3.1', C, D / 2, 1),
      ...levelNormed('simfp_3.2', C, C, 3),
      ...levelNormed('simfp_4.0', C, D, 1),
      ...levelNormed('simfp_4.1', C, C, 3),
      ...levelNormed('simfp_5.1', C, D, 1),
      ...levelNormed('simfp_5.2', C, C, 3),
    ]),
    ...prefixed('proposal_generator.rpn_head', [
      ...layer('conv.conv0', [C, C, 3, 3], C),
      ...layer('conv.conv1', [C, C, 3, 3], C),
      ...layer('objectness_logits', [ANCHORS, C, 1, 1], ANCHORS),
      ...layer('anchor_deltas', [4 * ANCHORS, C, 1, 1], 4 * ANCHORS),
    ]),
    ...stageNames.flatMap((stage) => [
      ...prefixed(`roi_heads.box_head${stage}`, [
        ...[1, 2, 3, 4].flatMap((conv) => levelNormed(`conv${conv}`, C, C, 3)),
        ...layer('fc1', [boxWidth, C * BOX_POOL ** 2], boxWidth),
      ]),
      ...prefixed(`roi_heads.box_predictor${stage}`, [
        ...layer('cls_score', [classes + 1, boxWidth], classes + 1),
        ...layer('bbox_pred', [boxValues, boxWidth], boxValues),
      ]),
    ]),
    ...prefixed('roi_heads.mask_head', [
      ...[1, 2, 3, 4].flatMap((conv) => levelNormed(`mask_fcn${conv}`, C, C, 3)),
      ...layer('deconv', [C, C, 2, 2], C),
      ...layer('predictor', [classes, C, 1, 1], classes),
    ]),
  ];
}

/** Without a class token, every position is a patch's. */
function backboneShapes(model: SegmenterShape | DetectorShape, trunk: Shapes): Shapes {
  return [['pos_embed', [1, patchCount(model), model.embedDim]], ...trunk];
}

/** A convolution, deconvolution or linear layer with a bias. */
function layer(name: string, weight: number[], bias: number): Shapes {
  return [
    [`${name}.weight`, weight],
    [`${name}.bias`, [bias]],
  ];
}

/** A square convolution whose bias is that of the batch normalisation behind it. */
function normalised(name: string, out: number, into: number, side: number): Shapes {
  return [[`${name}.conv.weight`, [out, into, side, side]], ...batchNorm(`${name}.bn`, out)];
}

/** A square convolution whose bias is that of the layer normalisation behind it. */
function levelNormed(name: string, out: number, into: number, side: number): Shapes {
  return [[`${name}.weight`, [out, into, side, side]], ...scaleAndShift(`${name}.norm`, out)];
}

function batchNorm(name: string, channels: number): Shapes {
  return [
    ...scaleAndShift(name, channels),
    [`${name}.running_mean`, [channels]],
    [`${name}.running_var`, [channels]],
  ];
}

function scaleAndShift(name: string, channels: number): Shapes {
  return [
    [`${name}.weight`, [channels]],
    [`${name}.bias`, [channels]],
  ];
}

function prefixed(prefix: string, shapes: Shapes): Shapes {
  return shapes.map(([name, shape]) => [`${prefix}.${name}`, shape]);
}

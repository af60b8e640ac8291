import type {
  ClassificationManifest,
  DetectionManifest,
  SegmentationManifest,
} from '../../shared/model-package.ts';

/** Sizes of the patches and the layers, which every model has. */
export type LayerSizes =
  'imageSize' | 'patchSize' | 'stride' | 'embedDim' | 'depth' | 'stateDim' | 'convWidth' | 'dtRank';
type Sizes = 'task' | LayerSizes | 'classes' | 'blockSelection' | 'pruningLayers';

export type ClassifierShape = Pick<ClassificationManifest, Sizes | 'registers' | 'registerReduction'>;
export type SegmenterShape = Pick<SegmentationManifest, Sizes | 'head'>;
export type DetectorShape = Pick<DetectionManifest, Sizes | 'head'>;

/** The shape of a model, as far as counting its tensors and its work needs it. */
export type ModelShape = ClassifierShape | SegmenterShape | DetectorShape;

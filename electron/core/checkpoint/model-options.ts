import type { Manifest } from '../../shared/model-package.ts';
import type { ClassTokenArchitecture } from '../../shared/architectures.ts';

/** What the person says about a checkpoint; wins over what the checkpoint records. */
export interface ModelOptions {
  name: string;
  architecture?: ClassTokenArchitecture | undefined;
  tokenKeep?: string | undefined;
  pruningLayers?: readonly number[] | undefined;
  /** Of segmentation and detection models: whether a block adds the mean of its directions, not their sum. */
  halveDirections?: boolean | undefined;
  /** Of classifiers: share of the resized picture that the crop takes. */
  cropRatio?: number | undefined;
}

/** The part of a manifest that follows from tensors, training arguments and options. */
export type Described<Kind extends Manifest> = Omit<
  Kind,
  'format' | 'name' | 'labels' | 'provenance' | 'licence' | 'dataSha256' | 'training'
>;

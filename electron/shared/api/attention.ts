import { z } from 'zod';
import { dialShape, imageId, path, runId } from './arguments.ts';

const layer = z.int('a layer is a whole number').min(1, 'layers are counted from 1');
const { model, preset, tokenKeep, blockThreshold } = dialShape;

/** Calls about where a layer of a classifier looks. */
export const attentionArguments = {
  /** In an image of a run, with its model and settings. */
  explainImage: z.strictObject({ runId, imageId, layer }),
  /** In any picture; the last layer where none is named. */
  explainFile: z.strictObject({ path, layer: layer.optional(), model, preset, tokenKeep, blockThreshold }),
} as const;

/** Which patches the class token of a layer takes its output from: its scans as attention; see docs/attention.md. */
export interface Attention {
  model: string;
  layer: number; // from 1
  layers: number;
  /** Patches per side of the square that the model sees, and that square in pixels of the upright picture. */
  grid: number;
  /** Row by row; 0 for a patch that was left out before the layer. The mean over channels of absolute weights. */
  patches: number[];
  kept: number; // patches that there still are
  forward: boolean; // whether that scan ran
  backward: boolean;
}

export interface AttentionResults {
  /** Throws BAD_ARGUMENT for an image that no classifier of Winnow has seen whole, or a layer that the model lacks. */
  explainImage: Attention;
  explainFile: Attention;
}

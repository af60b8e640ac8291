import { z } from 'zod';

/** Key of the safetensors `__metadata__` entry that holds the manifest as JSON text. */
export const MANIFEST_KEY = 'winnow';

const positive = z.int().positive();
const ratio = z.number().gt(0).lte(1);

/** The published models have 12 or 16. */
export const MAX_REGISTERS = 1024;

/** How a picture becomes the model's input: RGB bytes, resized, centre-cropped, normalised per channel. */
export const preprocessingSchema = z.strictObject({
  /** Length in pixels that the shorter side is resized to (PIL bicubic, 8 bit). */
  resize: positive,
  /** Side in pixels of the square centre crop; equals the model's image size. */
  crop: positive,
  mean: z.tuple([z.number(), z.number(), z.number()]),
  std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
});

export const labelSchema = z.strictObject({
  name: z.string().min(1),
  /** WordNet synset such as n02123045; tells equal names of ImageNet apart. */
  synset: z.string().optional(),
});

/** Where the weights came from, for the model card; nothing computes with it. */
export const provenanceSchema = z.strictObject({
  file: z.string(),
  sha256: z.string(),
  /** Entry of the training checkpoint that was taken: `model`, `model_ema`, or `state_dict` for a bare file. */
  weights: z.string(),
  epoch: z.int().optional(),
  /** The training arguments that the checkpoint recorded and that describe the model. */
  training: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});

/**
 * The manifest of a model package. Names and meaning are documented in docs/model-package.md;
 * native/model/dyvm_config.cc reads the same JSON.
 */
export const manifestSchema = z.strictObject({
  format: z.literal(1),
  name: z.string().min(1),
  task: z.literal('classification'),
  /**
   * `vim`: class token in the middle, directions halved. `videomamba`: class token first, directions summed. `mambareg`:
   * registers spread between the patches, directions halved.
   */
  architecture: z.enum(['vim', 'videomamba', 'mambareg']),
  imageSize: positive,
  patchSize: positive,
  stride: positive,
  embedDim: positive,
  depth: positive,
  stateDim: positive,
  convWidth: positive,
  dtRank: positive,
  classes: positive,
  /** Registers of a `mambareg` model; no other has any. */
  registers: positive.max(MAX_REGISTERS).optional(),
  /** The factor by which the head of a `mambareg` model narrows each register before it joins them. */
  registerReduction: positive.optional(),
  /** Whether every block chooses its scan directions (block heads are present). */
  blockSelection: z.boolean(),
  /** Blocks before which patches are pruned, ascending; empty for a model without token pruning. */
  pruningLayers: z.array(z.int().nonnegative()),
  /** Trained token keep ratio of each pruning stage, relative to the patches before any pruning. */
  tokenKeep: z.array(ratio),
  /** Share of scan directions that training aimed at, when recorded. */
  blockKeep: ratio.optional(),
  labels: z.array(labelSchema),
  preprocessing: preprocessingSchema,
  provenance: provenanceSchema,
  licence: z.string(),
  /** SHA-256, hex, of the package's tensor bytes (everything after the safetensors header). */
  dataSha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export type Preprocessing = z.infer<typeof preprocessingSchema>;
export type Label = z.infer<typeof labelSchema>;
export type Manifest = z.infer<typeof manifestSchema>;

/** Architectures whose tensors look alike, so that a checkpoint has to say which one it is. */
export const CLASS_TOKEN_ARCHITECTURES = ['vim', 'videomamba'] as const satisfies Manifest['architecture'][];
export type ClassTokenArchitecture = (typeof CLASS_TOKEN_ARCHITECTURES)[number];

/** A model package on disk as the app lists it. */
export interface ModelPackage {
  /** What `--model` takes: the file name without its extension. */
  name: string;
  path: string;
  bytes: number;
  bundled: boolean;
  manifest: Manifest;
}

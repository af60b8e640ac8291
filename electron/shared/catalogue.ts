import { z } from 'zod';
import { ARCHITECTURE_NAMES, CLASS_TOKEN_ARCHITECTURES } from './architectures.ts';
import { addressSchema, publishedSchema } from './model-package.ts';
import type { Task } from './model-package.ts';
import { TASKS } from './tasks.ts';

const count = z.int().positive();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Where a file lies decides how it is asked for, and what the host says of it beforehand. */
export const MODEL_HOSTS = ['hugging-face', 'google-drive'] as const;

/** What a model is best for. */
export const MODEL_USES = ['dial', 'teach', 'detail', 'accuracy'] as const;

/** A model whose weights others have published: what it is, where its file lies, and what its import needs. */
export const catalogueModelSchema = z.strictObject({
  /** Also the name of the package that its import makes. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  title: z.string().min(1),
  task: z.enum(Object.keys(TASKS) as [Task, ...Task[]]),
  architecture: z.enum(ARCHITECTURE_NAMES),
  /** Whether it chooses patches and scans for every picture, so that the dial changes its speed. */
  isDynamic: z.boolean(),
  parameters: count,
  imageSize: count, // pixels
  classes: count,
  published: publishedSchema.omit({ model: true }),
  /**
   * Set where others report that `published.top1` is of the running mean of the weights (EMA), which the file holds beside
   * the weights that are imported.
   */
  isFigureOfMean: z.literal(true).optional(),
  /** As its makers state it; null where they state none. */
  licence: z.string().min(1).nullable(),
  use: z.enum(MODEL_USES),
  file: z.strictObject({
    host: z.enum(MODEL_HOSTS),
    address: addressSchema,
    /** As the host names it; absent where that is not known. */
    name: z.string().min(1).optional(),
    bytes: count.optional(),
    sha256: sha256.optional(),
  }),
  /** Answers to what the file may leave open, and what its makers evaluate it with. */
  import: z.strictObject({
    /** A list in resources/labels. */
    labels: z.string().regex(/^[a-z0-9-]+\.(txt|tsv)$/),
    architecture: z.enum(CLASS_TOKEN_ARCHITECTURES).optional(),
    tokenKeep: z.string().optional(),
    pruningLayers: z.array(count).optional(),
    /** Share of the resized picture that the crop takes, where it is not the usual 0.875. */
    cropRatio: z.number().gt(0).lte(1).optional(),
  }),
});

export const catalogueSchema = z.strictObject({
  $schema: z.string(),
  format: z.literal(1),
  models: z.array(catalogueModelSchema).min(1),
});

export type CatalogueModel = z.infer<typeof catalogueModelSchema>;
export type ModelUse = CatalogueModel['use'];

/** What is said of a published figure that is not of the weights that are imported. */
export const FIGURE_OF_MEAN =
  'as others report, that of the running mean of the weights (EMA), not of those that are imported';

/** What a card says where the makers state no licence of the weights. */
export const NO_LICENCE_STATED = 'None stated by its makers';

import { z } from 'zod';
import { parseBounded } from '../../shared/bounded-json.ts';
import { AppError } from '../../shared/errors.ts';
import type { ModelInput } from '../../shared/engine-api.ts';
import { forTask } from '../../shared/tasks.ts';
import type { PictureUse } from '../../shared/trainer-api.ts';
import { classificationSchema, HEADER_BOUNDS, MANIFEST_KEY } from '../../shared/model-package.ts';
import type { ClassificationManifest } from '../../shared/model-package.ts';
import { openPackageFile } from './regular-file.ts';

const LENGTH_BYTES = 8; // of the header's length, at the start of a safetensors file
const LONGEST_HEADER = 4 * 2 ** 20; // bytes; see docs/model-package.md

/** Pixels of the shorter side after the resize, and of the side of the centre crop. */
export interface Preprocessing {
  resize: number;
  crop: number;
}

/** The manifest of a classifier's package. Throws BAD_MODEL. */
export async function readClassifier(packagePath: string): Promise<ClassificationManifest> {
  const checked = classificationSchema.safeParse(parseHeader(await readManifestText(packagePath)));
  if (checked.success) return checked.data;
  throw new AppError('BAD_MODEL', `${packagePath} is not the package of a classifier`);
}

/** What a classifier's package does to a picture before it sees it. Throws BAD_MODEL. */
export async function readPreprocessing(packagePath: string): Promise<Preprocessing> {
  return preprocessingOf(await readManifestText(packagePath));
}

/** The same of a manifest as JSON text. Throws BAD_MODEL. */
export function preprocessingOf(manifest: string): Preprocessing {
  const { preprocessing } = parseHeader(manifest) as { preprocessing?: unknown };
  const checked = classificationSchema.shape.preprocessing.safeParse(preprocessing);
  if (checked.success) return { resize: checked.data.resize, crop: checked.data.crop };
  throw new AppError(
    'BAD_MODEL',
    'The manifest of a classifier must say how pictures are resized and cropped',
  );
}

const denseInput = z.object({ task: z.enum(['segmentation', 'detection']), imageSize: z.int().positive() });

/** What a model's task makes of a picture, by its manifest as JSON text. Throws BAD_MODEL. */
export function modelInputOf(manifest: string): ModelInput {
  const dense = denseInput.safeParse(parseHeader(manifest));
  if (dense.success) return { task: dense.data.task, size: dense.data.imageSize };
  return { task: 'classification', ...preprocessingOf(manifest) };
}

/** The same of a package. Throws BAD_MODEL. */
export async function readModelInput(packagePath: string): Promise<ModelInput> {
  return modelInputOf(await readManifestText(packagePath));
}

/** How pictures are kept for a training of such a model. */
export function pictureUseOf(input: ModelInput): PictureUse {
  return forTask<ModelInput, PictureUse>(input, {
    classification: ({ resize }) => ({ resize }),
    segmentation: ({ size }) => ({ resize: size, isSampled: true }),
    detection: ({ size }) => ({ resize: size }),
  });
}

async function readManifestText(packagePath: string): Promise<string> {
  const header = parseHeader(await readHeader(packagePath)) as {
    __metadata__?: Record<string, string>;
  };
  return header.__metadata__?.[MANIFEST_KEY] ?? '{}';
}

function parseHeader(text: string): unknown {
  try {
    return parseBounded(text, HEADER_BOUNDS);
  } catch (cause) {
    throw new AppError('BAD_MODEL', "The model package's header is not JSON text", undefined, { cause });
  }
}

async function readHeader(path: string): Promise<string> {
  const file = await openPackageFile(path);
  try {
    const start = Buffer.alloc(LENGTH_BYTES);
    await file.read(start, 0, LENGTH_BYTES, 0);
    const length = Number(start.readBigUInt64LE());
    if (length > LONGEST_HEADER) throw new AppError('BAD_MODEL', `${path} is not a model package`);
    const header = Buffer.alloc(length);
    await file.read(header, 0, length, LENGTH_BYTES);
    return header.toString('utf8');
  } finally {
    await file.close();
  }
}

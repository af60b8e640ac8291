import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import {
  HEADER_BOUNDS,
  MANIFEST_KEY,
  manifestSchema,
  type ClassificationManifest,
  type DetectionManifest,
  type Manifest,
  type SegmentationManifest,
} from '../../shared/model-package.ts';
import { parseBounded } from '../../shared/bounded-json.ts';
import { badModel, readExactly, readHeader, withFile, type SafetensorsHeader } from './read-safetensors.ts';
import { isOneStage } from '../models/detection-head.ts';
import { isOfConvolutions } from '../models/segmentation-head.ts';
import { shapeProblem, tensorShapes } from '../models/tensor-shapes.ts';
import { allFinite } from './tensor-type.ts';
import { shortened, shortJson } from '../../shared/shortened.ts';
import { describeIssue } from '../../shared/describe-issue.ts';
import { forTask, isDense } from '../../shared/tasks.ts';
import { ARCHITECTURES } from '../../shared/architectures.ts';

const CHUNK_BYTES = 2 ** 20;

/** Pixels of a patch in models whose pyramids have strides of 4, 8, 16 and 32 pixels. */
const DENSE_PATCH = 16;

/** The same of detection models in one stage (strides of half a patch, one and two) and of the light head (no pyramid). */
export const FREE_PATCHES: readonly number[] = [4, 8, 16];

/** Pixels that the image size of a segmentation or detection model is a multiple of: two patches at their largest. */
const IMAGE_STEP = 2 * DENSE_PATCH;

type DenseSizes = 'task' | 'imageSize' | 'patchSize' | 'stride' | 'embedDim' | 'depth' | 'head';

/** A package's manifest and size, checked as far as the header tells. */
export interface PackageSummary {
  manifest: Manifest;
  bytes: number;
}

/** Reads a package's manifest and checks it against the tensors' names and shapes. Rejects with NOT_FOUND, BAD_MODEL. */
export async function readManifest(path: string): Promise<Manifest> {
  return (await readPackage(path)).manifest;
}

/** As `readManifest`, with the size of the file. */
export function readPackage(path: string): Promise<PackageSummary> {
  return withFile(path, async (handle) => {
    const header = await readHeader(handle);
    return { manifest: checkedManifest(header), bytes: header.fileBytes };
  });
}

/**
 * Reads every byte of a package: besides what `readManifest` checks, the tensor bytes must have the manifest's hash
 * and be finite. Rejects with NOT_FOUND or BAD_MODEL, naming the tensor.
 */
export function verifyPackage(path: string): Promise<PackageSummary> {
  return withFile(path, async (handle) => {
    const header = await readHeader(handle);
    const manifest = checkedManifest(header);
    if ((await hashTensors(handle, header)) !== manifest.dataSha256) {
      throw badModel("The model package's tensors differ from the hash in its manifest");
    }
    return { manifest, bytes: header.fileBytes };
  });
}

/**
 * SHA-256 of a whole package, hex, from one reading of the file. Rejects with NOT_FOUND, or with BAD_MODEL when its tensors
 * are not those that it was written with.
 */
export function hashPackage(path: string): Promise<string> {
  return withFile(path, async (handle) => {
    const header = await readHeader(handle);
    const { dataSha256 } = checkedManifest(header);
    const [whole, tensors] = [createHash('sha256'), createHash('sha256')];
    for (let start = 0; start < header.fileBytes;) {
      const end = start < header.dataStart ? header.dataStart : header.fileBytes;
      const chunk = await readExactly(handle, start, Math.min(CHUNK_BYTES, end - start));
      whole.update(chunk);
      if (start >= header.dataStart) tensors.update(chunk);
      start += chunk.length;
    }
    if (tensors.digest('hex') === dataSha256) return whole.digest('hex');
    throw badModel(`The weights in ${path} are not those that the model package was written with`);
  });
}

function checkedManifest(header: SafetensorsHeader): Manifest {
  const manifest = parseManifest(header.metadata.get(MANIFEST_KEY));
  const contradiction = manifestProblem(manifest, header.tensors.size);
  if (contradiction !== undefined) throw badModel(contradiction);
  const shapes = new Map([...header.tensors].map(([name, tensor]) => [name, tensor.shape]));
  const problem = shapeProblem(tensorShapes(manifest), shapes);
  if (problem !== undefined) throw badModel(problem);
  return manifest;
}

function parseManifest(text: string | undefined): Manifest {
  if (text === undefined) throw badModel('The file is a safetensors file, but not a model package of Winnow');
  let json: unknown;
  try {
    json = parseBounded(text, HEADER_BOUNDS);
  } catch (cause) {
    throw badModel("The model package's manifest is not JSON text", { cause });
  }
  const manifest = manifestSchema.safeParse(json);
  if (manifest.success) return manifest.data;
  const [issue] = manifest.error.issues;
  const place = issue?.path.join('.') ?? '';
  const said = issue === undefined ? 'unknown' : describeIssue(issue);
  throw badModel(`The model package's manifest is not valid at ${shortJson(place)}: ${said}`);
}

/** What the manifest's fields say against each other; undefined when nothing. */
function manifestProblem(manifest: Manifest, tensors: number): string | undefined {
  const { pruningLayers, tokenKeep, labels, classes, imageSize, patchSize, stride } = manifest;
  if (manifest.depth > tensors) return `The manifest has ${manifest.depth} blocks for ${tensors} tensors`;
  if (labels.length !== classes) return `The manifest has ${labels.length} labels for ${classes} classes`;
  if (tokenKeep.length !== pruningLayers.length) {
    return `The manifest has ${tokenKeep.length} token keep ratios for ${pruningLayers.length} pruning layers`;
  }
  if (tokenKeep.some((ratio, stage) => ratio > (tokenKeep[stage - 1] ?? 1))) {
    return `The manifest's token keep ratios ${shortened(tokenKeep.join(', '))} must not rise`;
  }
  if (!isPruningOrder(pruningLayers, manifest.depth)) {
    return `The manifest's pruning layers ${shortened(pruningLayers.join(', '))} must rise and lie inside ${manifest.depth} blocks`;
  }
  if (patchSize > imageSize || stride > patchSize) {
    return `The manifest's patches of ${patchSize} pixels every ${stride} do not fit an image of ${imageSize}`;
  }
  return isDense(manifest) ? denseProblem(manifest) : classifierProblem(manifest);
}

function classifierProblem(manifest: ClassificationManifest): string | undefined {
  const { preprocessing, imageSize } = manifest;
  if (preprocessing.crop !== imageSize || preprocessing.resize < preprocessing.crop) {
    return `The manifest's preprocessing does not give pictures of ${imageSize} pixels`;
  }
  return registerProblem(manifest);
}

/** What the fields about registers say against the architecture and the width; undefined when nothing. */
function registerProblem(manifest: ClassificationManifest): string | undefined {
  const { architecture, registers, registerReduction, embedDim } = manifest;
  const isRegistered = ARCHITECTURES[architecture].hasRegisters;
  if (isRegistered !== (registers !== undefined) || isRegistered !== (registerReduction !== undefined)) {
    return `The manifest of a ${architecture} model must have ${isRegistered ? 'both' : 'neither'} of registers and registerReduction`;
  }
  return embedDim % (registerReduction ?? 1) === 0
    ? undefined
    : `The manifest's registerReduction ${registerReduction} does not divide the width ${embedDim}`;
}

/**
 * What speaks against the geometry of a segmentation or detection model, as one sentence; undefined when nothing. Its
 * pyramid halves the grid of patches, and quarters the width.
 */
export function denseProblem(
  model: Pick<SegmentationManifest, DenseSizes> | Pick<DetectionManifest, DenseSizes>,
): string | undefined {
  const { task, imageSize, patchSize, stride, embedDim } = model;
  const patches = forTask<typeof model, readonly number[]>(model, {
    segmentation: ({ head }) => (isOfConvolutions(head) ? FREE_PATCHES : [DENSE_PATCH]),
    detection: ({ head }) => (isOneStage(head) ? FREE_PATCHES : [DENSE_PATCH]),
  });
  if (!patches.includes(patchSize) || stride !== patchSize) {
    return `A ${task} model must have patches of ${patches.join(', ')} pixels side by side, but has ${patchSize} pixels every ${stride}`;
  }
  if (imageSize % IMAGE_STEP !== 0) {
    return `The image size of a ${task} model must be a multiple of ${IMAGE_STEP} pixels, but is ${imageSize}`;
  }
  if (embedDim % 4 !== 0) return `The width of a ${task} model must be a multiple of 4, but is ${embedDim}`;
  return forTask<typeof model, string | undefined>(model, {
    segmentation: windowProblem,
    detection: headProblem,
  });
}

function headProblem({ head }: Pick<DetectionManifest, DenseSizes>): string | undefined {
  if (!isOneStage(head) || head.prototypes === undefined || head.width % 2 === 0) return undefined;
  return `The head of a detection model that draws masks must have an even number of channels, but has ${head.width}`;
}

function windowProblem({
  imageSize,
  depth,
  head,
}: Pick<SegmentationManifest, DenseSizes>): string | undefined {
  const { slideStride } = head;
  const taps = isOfConvolutions(head) ? [] : head.taps;
  if (taps.some((tap, index) => tap >= depth || tap <= (taps[index - 1] ?? -1))) {
    return `The blocks ${shortened(taps.join(', '))} behind which features are taken must rise and lie inside ${depth} blocks`;
  }
  return slideStride <= imageSize
    ? undefined
    : `Windows of ${imageSize} pixels every ${slideStride} leave pixels out`;
}

/** Whether these can be the blocks before which patches are pruned: rising, none before the first block. */
export function isPruningOrder(layers: readonly number[], depth: number): boolean {
  return layers.every((layer, stage) => layer > (layers[stage - 1] ?? 0) && layer < depth);
}

async function hashTensors(handle: FileHandle, header: SafetensorsHeader): Promise<string> {
  const hash = createHash('sha256');
  for (const [name, { start, bytes, type }] of header.tensors) {
    for (let done = 0; done < bytes; done += CHUNK_BYTES) {
      const chunk = await readExactly(handle, start + done, Math.min(CHUNK_BYTES, bytes - done));
      if (!allFinite(chunk, type))
        throw badModel(`The tensor ${shortened(name)} holds a value that is not finite`);
      hash.update(chunk);
    }
  }
  return hash.digest('hex');
}

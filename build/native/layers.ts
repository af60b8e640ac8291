/** Who may include whom in native/: a table, and what it says of one include. */
import path from 'node:path';

/**
 * Folders of native/, and what their files may include besides those of the same folder: all headers of a folder, or
 * one header. A folder does not stand for those below it.
 */
export const nativeLayers: Readonly<Record<string, readonly string[]>> = {
  ops: [],
  platform: ['ops'],
  image: ['ops'],
  reference: ['ops'],
  cpu: ['ops', 'platform/atomic_wait.h'],
  'gpu/kernels': [],
  gpu: ['gpu/kernels', 'ops'],
  'gpu/host': ['gpu', 'gpu/kernels'],
  cuda: ['gpu', 'gpu/kernels', 'platform'],
  metal: ['gpu', 'gpu/kernels'],
  model: ['ops', 'platform'],
  'model/segmentation': ['model', 'ops'],
  'model/detection': ['model', 'ops'],
  engine: [
    'model',
    'model/segmentation',
    'model/detection',
    'ops',
    'platform',
    'reference/hidden_attention.h',
    'reference/reference_backend.h',
    'cpu/cpu_backend.h',
    'gpu/gpu_backend.h',
    'gpu/gpu_library.h',
  ],
  train: ['model/detection/boxes.h'],
  'train/operations': ['ops', 'reference/formulas.h', 'cpu'],
  'train/network': ['train', 'train/operations', 'model'],
  'train/trainer': ['train', 'train/network', 'train/operations'],
  'train/segmentation': ['train/network', 'train/operations', 'train/trainer', 'model'],
  'train/detection': [
    'train',
    'train/network',
    'train/operations',
    'train/trainer',
    'model',
    'model/detection/one_stage_boxes.h',
  ],
  'train/augmentation': ['train', 'image', 'model', 'model/detection/boxes.h'],
  'train/session': [
    'train',
    'train/augmentation',
    'train/detection',
    'train/network',
    'train/operations',
    'train/segmentation',
    'train/trainer',
    'model',
    'platform',
  ],
  binding: ['engine', 'train/session', 'train/trainer', 'model', 'ops', 'image'],
  // Fakes of drivers are built into libraries of their own.
  'test/cuda/fake': ['gpu', 'gpu/host'],
  'test/metal/fake': ['gpu', 'gpu/host', 'gpu/kernels'],
};

/** Programs: they may include every layer but the addon; tests also what stands in bench/ and in other tests. */
const programs: Readonly<Record<string, (folder: string) => boolean>> = {
  bench: (folder) => !/^(binding|test)(\/|$)/.test(folder),
  test: (folder) => folder !== 'binding',
};

const NODE_HEADER = /^(napi|node_api|js_native_api|node|v8|uv)(\.h|-inl\.h|\/)/;

/** What a source includes: names as they stand there, `isOurs` where they are in quotes. */
export function includesOf(text: string): { header: string; isOurs: boolean }[] {
  const found = text.matchAll(/^\s*#\s*(?:include|import)\s+([<"])([^>"]+)/gm);
  return [...found].map(([, bracket, header = '']) => ({ header, isOurs: bracket === '"' }));
}

/** Why a file of native/ must not include what its text does, one sentence each. `file`: from native/ on. */
export function objections(file: string, text: string): string[] {
  const folder = path.posix.dirname(file);
  const allowed = nativeLayers[folder];
  const program = programs[file.split('/')[0] ?? ''];
  if (!allowed && !program) return [`native/${folder} has no rule in build/native/layers.ts.`];
  return includesOf(text).flatMap(({ header, isOurs }) => {
    const isNode = NODE_HEADER.test(header);
    if (isNode) return folder === 'binding' ? [] : [`${file} includes ${header}; only binding sees Node.`];
    const target = path.posix.dirname(header);
    if (!isOurs || target === '.' || target === folder) return [];
    const may = allowed ? allowed.includes(target) || allowed.includes(header) : program?.(target);
    return may
      ? []
      : [`${file} includes ${header}; ${folder} may include ${allowed?.join(', ') ?? 'layers'}.`];
  });
}

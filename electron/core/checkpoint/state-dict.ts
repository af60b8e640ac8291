import type { Label, Task } from '../../shared/model-package.ts';
import { recordedLabels } from './recorded-labels.ts';
import { badCheckpoint, printable, TensorRef, type PickleKey, type PickleValue } from './pickle-values.ts';
import { TrainingArgs } from './training-args.ts';
import { shortened } from '../../shared/shortened.ts';
import { TASKS } from '../../shared/tasks.ts';

/** Where a state dict may lie in a checkpoint, in the order of preference. */
const WRAPPERS = ['model', 'model_ema', 'state_dict_ema', 'state_dict'];

const PARALLEL_PREFIX = 'module.'; // what DistributedDataParallel puts before every name

/** Tensors of segmentation and detection models that predicting does not need: used in training only, or computed anew. */
const UNUSED = /^auxiliary_head\.|\.num_batches_tracked$|\.rope\.freqs_(cos|sin)$/;

export interface StateDict {
  tensors: ReadonlyMap<string, TensorRef>;
  /** The entry that was taken; `state_dict` for a bare file. */
  source: string;
  epoch: number | undefined;
  args: TrainingArgs;
  /** Names of the classes, where the checkpoint records them. */
  labels: Label[] | undefined;
}

/**
 * Finds the weights in what a checkpoint holds: under `model`, else under an EMA entry, else under `state_dict`, else
 * the whole value. A leading `module.` is dropped from the names. Throws BAD_CHECKPOINT.
 */
export function findStateDict(root: PickleValue): StateDict {
  if (!(root instanceof Map))
    throw badCheckpoint('The checkpoint does not hold a dictionary', NO_WEIGHTS_HINT);
  const source = WRAPPERS.find((name) => isStateDict(root.get(name)));
  const dictionary = source === undefined ? root : root.get(source);
  if (!isStateDict(dictionary)) throw badCheckpoint('The checkpoint holds no weights', NO_WEIGHTS_HINT);
  const meta = root.get('meta'); // of mmseg
  const epoch = root.get('epoch') ?? (meta instanceof Map ? meta.get('epoch') : undefined);
  return {
    tensors: namedTensors(dictionary),
    source: source ?? 'state_dict',
    epoch: typeof epoch === 'number' && Number.isSafeInteger(epoch) ? epoch : undefined,
    args: new TrainingArgs(root.get('args') ?? meta),
    labels: recordedLabels(meta),
  };
}

const NO_WEIGHTS_HINT = 'Expected a state dict, alone or under one of: model, model_ema, state_dict.';

function isStateDict(value: PickleValue | undefined): value is Map<PickleKey, PickleValue> {
  return value instanceof Map && [...value.values()].some((entry) => entry instanceof TensorRef);
}

function namedTensors(dictionary: ReadonlyMap<PickleKey, PickleValue>): Map<string, TensorRef> {
  const tensors = new Map<string, TensorRef>();
  for (const [key, value] of dictionary) {
    const full = printable(String(key));
    if (typeof key !== 'string' || !(value instanceof TensorRef)) {
      throw badCheckpoint(`The entry ${shortened(full)} of the weights is not a tensor`);
    }
    const name = full.startsWith(PARALLEL_PREFIX) ? full.slice(PARALLEL_PREFIX.length) : full;
    if (tensors.has(name)) throw badCheckpoint(`The checkpoint has two tensors ${shortened(name)}`);
    tensors.set(name, value);
  }
  return tensors;
}

/** The task of a model, from the names of its tensors. */
export function taskOf({ tensors }: StateDict): Task {
  const starts = (prefix: string) => [...tensors.keys()].some((name) => name.startsWith(prefix));
  if (starts('backbone.net.')) return 'detection';
  return starts('backbone.') || starts('decode_head.') ? 'segmentation' : 'classification';
}

/** The same without the tensors that no package holds. */
export function withoutUnused(state: StateDict): StateDict {
  if (!TASKS[taskOf(state)].isDense) return state;
  return { ...state, tensors: new Map([...state.tensors].filter(([name]) => !UNUSED.test(name))) };
}

import { Namespace, type PickleKey, type PickleValue } from './pickle-values.ts';

/** The arguments that say something about the model; they go into the package's provenance. */
const DESCRIPTIVE = [
  'model',
  'data_set',
  'dataset',
  'input_size',
  'nb_classes',
  'token_keep_ratio',
  'block_keep_ratio',
  'eval_crop_ratio',
  'drop_path',
  'epochs',
  'exp_name',
  'iter',
];

const MAX_TEXT = 200;

/** The training arguments that a checkpoint recorded (`args` or mmseg's `meta`, an argparse.Namespace or a dictionary). */
export class TrainingArgs {
  readonly #values: ReadonlyMap<PickleKey, PickleValue>;

  constructor(args: PickleValue | undefined) {
    this.#values = args instanceof Namespace ? args.attributes : args instanceof Map ? args : new Map();
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name);
    return typeof value === 'string' ? value.slice(0, MAX_TEXT) : undefined;
  }

  /** A finite number. */
  number(name: string): number | undefined {
    const value = this.#values.get(name);
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
  }

  /** A ratio above 0 and at most 1. */
  ratio(name: string): number | undefined {
    const value = this.number(name);
    return value !== undefined && value > 0 && value <= 1 ? value : undefined;
  }

  /** A whole number above 0. */
  count(name: string): number | undefined {
    const value = this.number(name);
    return value !== undefined && Number.isSafeInteger(value) && value > 0 ? value : undefined;
  }

  /** What a model card can show of the training. */
  describe(): Record<string, string | number> {
    const known = DESCRIPTIVE.map((name) => [name, this.text(name) ?? this.number(name)] as const);
    return Object.fromEntries(known.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  }
}

import { AppError } from '../../shared/errors.ts';
import type { Manifest } from '../../shared/model-package.ts';
import { nearestPrecision } from '../../shared/run.ts';
import type { Device, Precision, Preset } from '../../shared/run.ts';
import { TASKS } from '../../shared/tasks.ts';

/** Block threshold that the models are trained with: sigmoid(logit) > 0.5. */
export const TRAINED_THRESHOLD = 0.5;

/** The fast preset keeps this much less of the patches at the first stage than training did, but not less than FAST_FLOOR. */
const FAST_STEP = 0.2;
const FAST_FLOOR = 0.3;

/** The fast preset of a model that cannot leave out patches, but sees pictures at any size: of the trained side. */
const FAST_SIZE = 0.75;

/** Sides that such models are asked to see pictures at are multiples of this, in pixels. */
const SIZE_STEP = 32;

/** What a person can set by hand; texts as typed. */
export interface CustomSettings {
  /** One ratio r, meaning r, r^2, r^3, or one ratio per stage with commas between. */
  tokenKeep?: string;
  blockThreshold?: number;
  precision?: Precision;
  inputSize?: number;
}

/** Token keep ratios of `stages` stages from one ratio, as the original trains them: r, r^2, r^3. */
export function keepPowers(ratio: number, stages: number): number[] {
  return Array.from({ length: stages }, (_, stage) => ratio ** (stage + 1));
}

/** A share of the side that a model was trained to see pictures at, in pixels. */
export function inputSizeAt(share: number, { imageSize }: Pick<Manifest, 'imageSize'>): number {
  return Math.ceil((share * imageSize) / SIZE_STEP) * SIZE_STEP;
}

/**
 * The presets that every model has: `accurate` keeps every patch, `balanced` what the model was trained with, `fast`
 * fewer. Of a model that cannot leave out patches `fast` sees smaller pictures, where its task allows other sizes; of a
 * classifier that cannot, all three are the same. Block decisions are the trained ones in all three; the precision is the
 * most exact one of the device.
 */
export function standardPresets(
  manifest: Pick<Manifest, 'task' | 'imageSize' | 'tokenKeep'>,
  device: Pick<Device, 'precisions'> = { precisions: ['fp32'] },
): Preset[] {
  const all = manifest.tokenKeep.map(() => 1);
  const precision = nearestPrecision('fp32', device) ?? 'fp32';
  return [
    preset('accurate', all, precision),
    preset('balanced', manifest.tokenKeep, precision),
    { ...preset('fast', fastKeep(manifest.tokenKeep), precision), ...fastSize(manifest) },
  ];
}

function fastSize(manifest: Pick<Manifest, 'task' | 'imageSize' | 'tokenKeep'>): Pick<Preset, 'inputSize'> {
  if (!TASKS[manifest.task].isDense || manifest.tokenKeep.length > 0) return {};
  const inputSize = inputSizeAt(FAST_SIZE, manifest);
  return inputSize < manifest.imageSize ? { inputSize } : {};
}

/** `base` with the settings that were given; named `custom` when one was. Throws BAD_ARGUMENT. */
export function customPreset(
  settings: CustomSettings,
  base: Preset,
  manifest: Pick<Manifest, 'name' | 'tokenKeep' | 'imageSize'>,
): Preset {
  if (Object.values(settings).every((setting) => setting === undefined)) return base;
  const blockThreshold = settings.blockThreshold ?? base.blockThreshold;
  if (!(blockThreshold >= 0 && blockThreshold <= 1)) {
    throw new AppError('BAD_ARGUMENT', `The block threshold must be from 0 to 1, but is ${blockThreshold}`);
  }
  const tokenKeep =
    settings.tokenKeep === undefined
      ? base.tokenKeep
      : parseTokenKeep(settings.tokenKeep, manifest.tokenKeep.length, manifest.name);
  const precision = settings.precision ?? base.precision;
  const inputSize = settings.inputSize ?? base.inputSize;
  const other = inputSize === undefined || inputSize === manifest.imageSize ? {} : { inputSize };
  return { name: 'custom', tokenKeep, blockThreshold, precision, ...other };
}

/** Throws BAD_ARGUMENT, naming the nearest that works, when the device does not compute in `precision`. */
export function checkPrecision(
  precision: Precision,
  { name, precisions }: Pick<Device, 'name' | 'precisions'>,
): void {
  if (precisions.includes(precision)) return;
  const nearest = nearestPrecision(precision, { precisions });
  throw new AppError(
    'BAD_ARGUMENT',
    `The device ${name} computes in ${precisions.join(', ')}, but not in ${precision}`,
    nearest === undefined ? undefined : `The nearest that works: --precision ${nearest}.`,
  );
}

/**
 * Reads token keep ratios: "0.7" gives 0.7, 0.7^2, ... for each stage; "0.6,0.33,0.1" gives one per stage. All are
 * relative to the patches before any pruning. Throws BAD_ARGUMENT.
 */
export function parseTokenKeep(text: string, stages: number, modelName: string): number[] {
  if (stages === 0) {
    throw new AppError(
      'BAD_ARGUMENT',
      `The model ${modelName} does not prune patches, so it has no token keep ratio to set`,
      'Leave --token-keep out.',
    );
  }
  const ratios = text.split(',').map(parseRatio);
  const [first] = ratios;
  if (ratios.length === 1 && first !== undefined) return keepPowers(first, stages);
  if (ratios.length !== stages) {
    throw new AppError(
      'BAD_ARGUMENT',
      `The model ${modelName} prunes in ${stages} stages, but ${ratios.length} token keep ratios were given`,
      'Give one ratio, or one for each stage with commas between.',
    );
  }
  if (ratios.some((ratio, stage) => ratio > (ratios[stage - 1] ?? 1))) {
    throw new AppError(
      'BAD_ARGUMENT',
      `Token keep ratios must not rise from stage to stage, but ${text} does`,
    );
  }
  return ratios;
}

function parseRatio(text: string): number {
  const ratio = text.trim() === '' ? NaN : Number(text);
  if (!(ratio > 0 && ratio <= 1)) {
    throw new AppError(
      'BAD_ARGUMENT',
      `A token keep ratio must be above 0 and at most 1, but is "${text.trim()}"`,
    );
  }
  return ratio;
}

function preset(name: string, tokenKeep: readonly number[], precision: Precision): Preset {
  return { name, tokenKeep: [...tokenKeep], blockThreshold: TRAINED_THRESHOLD, precision };
}

function fastKeep(trained: readonly number[]): number[] {
  const [first] = trained;
  if (first === undefined) return [];
  const target = round4(Math.min(first, Math.max(first - FAST_STEP, FAST_FLOOR)));
  const powers = keepPowers(first, trained.length);
  if (trained.every((ratio, stage) => ratio === powers[stage])) return keepPowers(target, trained.length);
  return trained.map((ratio) => round4(ratio * (target / first)));
}

/** So that 0.7 - 0.2 is 0.5 and not a hair below, which would cost a patch. */
function round4(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

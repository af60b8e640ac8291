import { NO_LOSSES } from '../../../electron/shared/training.ts';
import assert from 'node:assert/strict';
import type {
  NativeAddon,
  NativeModel,
  NativePicture,
  NativeStep,
  NativeTrainer,
} from '../../../electron/engine/addon.ts';
import { NATIVE_ERROR_CODES } from '../../../electron/shared/errors.ts';

/** What a step was asked to learn from. */
export interface AskedStep {
  pictures: NativePicture[];
  labels: number[];
  seed: number;
  learningRate: number;
}

const report: NativeStep = {
  losses: {
    ...NO_LOSSES,
    total: 2,
    classification: 2,
  },
  gradientNorm: 1,
  accuracy: 0.5,
  tokensKept: 1,
  directionsKept: 1,
};

/** The batch's classes, and the directions of each of its pictures: 3 of 4 scans ran. */
const CLASSES = 3;
const DIRECTIONS = [3, 2];

/**
 * An addon that learns nothing and notes what it is asked. A picture's logits are its first pixel's red and two fixed ones.
 */
export class TrainingAddon implements NativeAddon {
  readonly created: object[] = [];
  readonly loaded: { path: string; features: boolean | undefined }[] = [];
  readonly steps: AskedStep[] = [];
  readonly saved: string[] = [];
  readonly predicted: number[] = []; // pictures per batch
  solved: { features: number[]; labels: number[]; options: object } | undefined;
  /** Called while a step is computed. */
  meanwhile: (step: AskedStep) => Promise<void> = () => Promise.resolve();

  readonly errorCodes = NATIVE_ERROR_CODES;

  devices = () => [];

  resize: NativeAddon['resize'] = (source, size, target, targetSize) => {
    assert.equal(source.length, size.width * size.height * 3);
    assert.equal(target.length, targetSize.width * targetSize.height * 3);
    target.fill(source[0] ?? 0);
    return Promise.resolve();
  };

  resizeAndCrop: NativeAddon['resizeAndCrop'] = (source, _width, _height, { crop }, target, offset) => {
    target.fill(source[0] ?? 0, offset, offset + crop * crop * 3);
    return Promise.resolve();
  };

  createTrainer: NativeAddon['createTrainer'] = (options) => {
    this.created.push(options);
    const trainer: NativeTrainer = {
      step: async (examples, { seed, learningRate }) => {
        const labels = examples.map((example) => ('label' in example ? example.label : -1));
        const pictures = examples.map(({ pixels, width, height }) => ({ pixels, width, height }));
        const step = { pictures, labels, seed, learningRate };
        this.steps.push(step);
        await this.meanwhile(step);
        return report;
      },
      saveState: (path) => Promise.resolve(void this.saved.push(path)),
      saveWeights: (path, averaged) => Promise.resolve(void this.saved.push(`${path} ${averaged}`)),
    };
    return Promise.resolve(trainer);
  };

  loadModel: NativeAddon['loadModel'] = (path, { features }) => {
    this.loaded.push({ path, features });
    const none = () => Promise.reject(new Error('A classifier is open'));
    const model: NativeModel = {
      predict: (pixels, count) => {
        this.predicted.push(count);
        const bytes = pixels.length / count;
        const red = (index: number) => (pixels[Math.floor(index) * bytes] ?? 0) / 255;
        const logits = Float32Array.from({ length: count * CLASSES }, (_, at) =>
          at % CLASSES === 0 ? red(at / CLASSES) : at % CLASSES,
        );
        const directions = Uint8Array.from({ length: 2 * count }, (_, at) => DIRECTIONS[at % 2] ?? 0);
        return Promise.resolve({ logits, directions, survived: new Uint8Array(count), milliseconds: 1 });
      },
      attend: none,
      segment: none,
      detect: none,
      cancel: () => undefined,
    };
    return Promise.resolve(model);
  };

  solveHead: NativeAddon['solveHead'] = (features, labels, options) => {
    this.solved = { features: [...features], labels: [...labels], options };
    const { classes, compare } = options;
    return Promise.resolve({
      weight: new Float32Array(classes),
      bias: new Float32Array(classes),
      loss: 0.5,
      iterations: 3,
      ...(compare ? { choice: { kind: 'cosine', folds: 2, trials: [] } } : {}),
    });
  };
}

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { tensorShapes } from '../../../electron/core/models/tensor-shapes.ts';
import { elementCount } from '../../../electron/core/packages/tensor-type.ts';
import { toFileSystemError } from '../../../electron/core/files/write-file.ts';
import { writeSafetensors } from '../../../electron/core/packages/write-safetensors.ts';
import type { EngineDial } from '../../../electron/shared/engine-api.ts';
import { manifestSchema } from '../../../electron/shared/model-package.ts';
import type { Manifest } from '../../../electron/shared/model-package.ts';
import type {
  FoundObject,
  FoundOutcome,
  HeadOptions,
  HoldoutOutcome,
  InspectedPicture,
  InspectOptions,
  LabelledExample,
  PictureToRead,
  SolvedHead,
  StepRequest,
  TrainerApi,
  TrainerSetup,
} from '../../../electron/shared/trainer-api.ts';
import { NO_LOSSES } from '../../../electron/shared/training.ts';
import type { HeadChoice, StepReport } from '../../../electron/shared/training.ts';
import { asHost, hostError } from './host-answer.ts';

/** What the double has instead of weights: all that it was ever asked for, as one hash. */
interface State {
  steps: number;
  hash: string;
  isOver?: true; // weights that are too large for another step
}

/** What comparing heads finds. */
export const CHOICE: HeadChoice = {
  kind: 'class-mean',
  folds: 5,
  trials: [
    { kind: 'logistic', accuracy: 0.75, loss: 0.7 },
    { kind: 'class-mean', accuracy: 0.8125, loss: 0.6 },
    { kind: 'cosine', accuracy: 0.8125, loss: 0.65 },
  ],
};

/** A step at a larger learning rate is the last. */
const LARGEST_RATE = 1e6;

/**
 * A trainer that learns nothing, but remembers: its state, and the weights that it writes, follow from every step since the
 * start, so that two trainings ended alike only if they were asked for the same. A picture is a text file; with `bad` in its
 * name it cannot be read. It fails as the training host does: trainer-contract.test.ts asks both the same.
 */
export class TrainerDouble implements TrainerApi {
  readonly setups: TrainerSetup[] = [];
  readonly steps: StepRequest[] = [];
  readonly inspected: string[] = [];
  readonly kept: string[] = []; // of those inspected
  readonly predicted: { packagePath: string; dial: EngineDial; paths: string[] }[] = [];
  readonly featured: LabelledExample[] = [];
  closed = 0;
  /** Called before the step of a number (from 1) is taken; a test makes things happen here. */
  beforeStep: (number: number, request: StepRequest) => Promise<void> | void = () => undefined;
  /** Called before a state is saved. */
  beforeSave: (path: string) => void = () => undefined;
  /** Whether a picture of the hold-out is predicted right; `test` counts the packages that were tested before. */
  isRight: (path: string, test: number) => boolean = () => true;
  /** What a dense package finds in a picture; `test` as in isRight. */
  finds: (path: string, test: number) => FoundObject[] = () => [];
  /** How a picture looks: its size and its dHash. */
  look: (path: string) => { width?: number; height?: number; dHash?: string } = () => ({});
  #open: { manifest: Manifest; state: State } | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #packages: string[] = [];

  /** What steps have learned classes from. */
  get labelled(): LabelledExample[] {
    const examples = this.steps.flatMap((step) => step.examples);
    return examples.filter((example) => 'classIndex' in example);
  }

  inspect(pictures: readonly PictureToRead[], { keep }: InspectOptions): Promise<InspectedPicture[]> {
    const paths = pictures.map(pathOf);
    this.inspected.push(...paths);
    if (keep) this.kept.push(...paths);
    return Promise.resolve(
      paths.map((path): InspectedPicture => {
        if (!isReadable(path)) return { error: 'a bad file' };
        const sha256 = hashOf(readFileSync(path));
        return { width: 48, height: 40, dHash: sha256.slice(0, 16), sha256, ...this.look(path) };
      }),
    );
  }

  open(setup: TrainerSetup): Promise<void> {
    return asHost(() => {
      this.setups.push(setup);
      this.#open = undefined;
      const state =
        setup.state === undefined ? { steps: 0, hash: hashOf(String(setup.seed)) } : readState(setup.state);
      this.#open = { manifest: manifestSchema.parse(JSON.parse(setup.manifest)), state };
    });
  }

  step(request: StepRequest): Promise<StepReport> {
    const step = this.#turn.then(() => asHost(() => this.#step(request)));
    this.#turn = step.catch(() => undefined);
    return step;
  }

  async #step(request: StepRequest): Promise<StepReport> {
    const { state } = this.#opened();
    await this.beforeStep(state.steps + 1, request);
    const gone = request.examples.find(({ path }) => !isReadable(path));
    if (gone !== undefined) throw hostError('BAD_IMAGE', `${gone.path} cannot be read any more`);
    if (state.isOver === true) throw hostError('DIVERGED', 'The loss is not finite');
    this.steps.push(request);
    state.steps++;
    if (request.learningRate > LARGEST_RATE) state.isOver = true;
    state.hash = hashOf(state.hash + JSON.stringify(request));
    return report(Number.parseInt(state.hash.slice(0, 6), 16) / 2 ** 24);
  }

  saveState(path: string): Promise<void> {
    return asHost(async () => {
      const { state } = this.#opened();
      this.beforeSave(path);
      await writeWhole(path, JSON.stringify(state));
    });
  }

  saveWeights(path: string): Promise<void> {
    return asHost(async () => {
      const { manifest, state } = this.#opened();
      await requireFolder(path);
      const value = Number.parseInt(state.hash.slice(0, 6), 16) / 2 ** 24;
      await writeWeights(path, manifest, value);
    });
  }

  predict(
    packagePath: string,
    pictures: readonly PictureToRead[],
    dial: EngineDial,
  ): Promise<HoldoutOutcome[]> {
    const paths = pictures.map(pathOf);
    return asHost(() => {
      const { labels } = readManifestOf(packagePath);
      const test = this.#note(packagePath, dial, paths);
      return paths.map((path) => this.#outcome(path, labels, test));
    });
  }

  find(packagePath: string, paths: readonly string[], dial: EngineDial): Promise<FoundOutcome[]> {
    return asHost(() => {
      if (readManifestOf(packagePath).task === 'classification')
        throw hostError('BAD_MODEL', `${packagePath} finds nothing`);
      const test = this.#note(packagePath, dial, paths);
      return paths.map((path): FoundOutcome =>
        isReadable(path) ? { found: this.finds(path, test), blockKeep: 0.75 } : { error: 'a bad file' },
      );
    });
  }

  /** How many packages were tested before this one. */
  #note(packagePath: string, dial: EngineDial, paths: readonly string[]): number {
    if (!this.#packages.includes(packagePath)) this.#packages.push(packagePath);
    this.predicted.push({ packagePath, dial, paths: [...paths] });
    return this.#packages.indexOf(packagePath);
  }

  #outcome(path: string, labels: readonly { name: string }[], test: number): HoldoutOutcome {
    if (!isReadable(path)) return { error: 'a bad file' };
    const own = labels.findIndex(({ name }) => path.split('/').includes(name));
    const classIndex = (this.isRight(path, test) ? own : own + 1) % labels.length;
    const rest = 0.4 / (labels.length - 1);
    const probabilities = Float32Array.from(labels, (_, index) => (index === classIndex ? 0.6 : rest));
    return { probabilities, top: [{ classIndex, confidence: 0.6 }], blockKeep: 0.75 };
  }

  addFeatures(_: string, examples: readonly LabelledExample[]): Promise<{ index: number; error: string }[]> {
    this.featured.push(...examples);
    return Promise.resolve(
      examples.flatMap(({ path }, index) => (isReadable(path) ? [] : [{ index, error: 'a bad file' }])),
    );
  }

  solveHead({ classes, compare }: HeadOptions): Promise<SolvedHead> {
    const { width } = this.head;
    return Promise.resolve({
      weight: new Float32Array(classes * width).fill(0.25),
      bias: new Float32Array(classes).fill(0.5),
      loss: 0.1,
      iterations: compare ? 0 : 12,
      ...(compare ? { choice: CHOICE } : {}),
    });
  }

  /** Of the heads that it solves: values of a feature. */
  head = { width: 96 };

  close(): Promise<void> {
    this.closed++;
    this.#open = undefined;
    return Promise.resolve();
  }

  /** As if the host had died. */
  die(): void {
    this.#open = undefined;
  }

  #opened() {
    if (this.#open === undefined) throw hostError('ENGINE', 'No training is open in the training host');
    return this.#open;
  }
}

/** Weights of a model, all of one value. */
export async function writeWeights(path: string, manifest: Manifest, value: number): Promise<void> {
  const tensors = [...tensorShapes(manifest)].map(([name, shape]) => ({
    name,
    shape,
    type: 'F32' as const,
    read: () => Promise.resolve(new Uint8Array(new Float32Array(elementCount(shape)).fill(value).buffer)),
  }));
  await writeSafetensors(path, tensors, () => ({}));
}

/** Whole or not at all, as native code writes. */
async function writeWhole(path: string, content: string): Promise<void> {
  const partial = `${path}.part`;
  try {
    await writeFile(partial, content);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw toFileSystemError(error, path);
  }
}

/** Native code makes no folders. */
async function requireFolder(path: string): Promise<void> {
  await stat(dirname(path)).catch((error: unknown) => {
    throw toFileSystemError(error, path);
  });
}

function readState(path: string): State {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as State;
  } catch {
    throw hostError('BAD_ARGUMENT', `Expected a training's state in ${path}`);
  }
}

function readManifestOf(packagePath: string): { task: string; labels: { name: string }[] } {
  if (!existsSync(packagePath)) throw hostError('BAD_MODEL', `${packagePath} is not there`);
  const bytes = readFileSync(packagePath);
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE(0)))) as {
    __metadata__: { winnow: string };
  };
  return JSON.parse(header.__metadata__.winnow) as { task: string; labels: { name: string }[] };
}

function report(value: number): StepReport {
  return {
    losses: { ...NO_LOSSES, total: value, classification: value },
    gradientNorm: value,
    accuracy: 1 - value,
    tokensKept: 0.5,
    directionsKept: 0.75,
  };
}

function isReadable(path: string): boolean {
  return existsSync(path) && !basename(path).includes('bad');
}

function hashOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

const pathOf = (picture: PictureToRead) => (typeof picture === 'string' ? picture : picture.path);

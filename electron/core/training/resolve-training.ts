import { basename, join } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { foldName } from '../../shared/fold-name.ts';
import type { LossSettings, TaughtRecord, TrainingMethod, TrainingRecipe } from '../../shared/training.ts';
import { nearestPackageName } from '../packages/package-name.ts';
import { DEFAULT_MODEL } from '../runs/run-spec.ts';
import { areParents, orderClasses } from './classes.ts';
import type { NewClass } from './classes.ts';
import { newManifest } from './new-model.ts';
import type { ParentModel, TrainingRequest } from './new-model.ts';
import type { Manifest } from '../../shared/model-package.ts';
import { TAUGHT, taskOf } from '../../shared/training.ts';
import { newDense } from './new-dense.ts';
import { parentOf } from './parents.ts';
import { withoutMarkedClass } from './pictures/inspect-marked.ts';
import { isMarkedSet, markedClasses, markedPictures } from './pictures/marked-run.ts';
import type { MarkedSet } from './pictures/marked-run.ts';
import { isDense, isDenseTask, TASKS } from '../../shared/tasks.ts';
import { classNames, scanClassFolders } from './pictures/picture-set.ts';
import type { PictureSet } from './pictures/picture-set.ts';
import { PoorClass } from './pictures/poor-class.ts';
import {
  OWN_AIMS,
  OWN_RECIPE,
  RECIPE_NAMES,
  denseRecipe,
  recipeAims,
  recipeBase,
  switchAugmentation,
} from './recipes.ts';
import { reviewedPictures } from './pictures/reviewed-run.ts';
import { checkHoldout } from './pictures/split.ts';
import type { TrainingContext } from './training-context.ts';

const DEFAULT_HOLDOUT = 0.15;
const DEVICES = ['cpu', 'reference'];

/** What a request stands for, as far as it is known without reading pictures. */
export interface ResolvedTraining {
  request: TrainingRequest;
  parent: ParentModel | undefined;
  set: PictureSet | MarkedSet; // without what was left out
  leftOut: { name: string; images: number }[]; // classes with too few pictures
  name: string; // of the new model
  classes: NewClass[]; // in the order of the new model
  manifest: Manifest; // whole but for its hash
  device: string;
  seed: number;
  holdout: number; // share
}

/**
 * Turns a request into what it stands for, and refuses what cannot be trained. `isTaken`: names that other models are to
 * have. Throws NOT_FOUND, BAD_ARGUMENT, TOO_FEW_PICTURES, BAD_MODEL or FILE_SYSTEM.
 */
export async function resolveTraining(
  request: TrainingRequest,
  context: TrainingContext,
  isTaken: (name: string) => boolean,
  signal?: AbortSignal,
): Promise<ResolvedTraining> {
  refuseUseless(request);
  const { seed = 0, holdout = DEFAULT_HOLDOUT } = request;
  const device = trainingDevice(request.device);
  const parent = await findParent(request, context);
  const set = await findPictures(request, context, signal);
  const name = await newName(request, set, context, isTaken);
  const base = { request, parent, device, seed, holdout, name };
  return withoutPoor({ ...base, set, leftOut: [] }, (resolved) => resolved);
}

/** As `withoutClass` needs it: what does not depend on which classes there are. */
type Base = Omit<ResolvedTraining, 'classes' | 'manifest'>;

/** The classes of the pictures and the model of them. Throws TOO_FEW_PICTURES or BAD_ARGUMENT. */
function resolveClasses(base: Base): ResolvedTraining {
  const { request, parent, set, holdout, name } = base;
  if (isMarkedSet(set)) {
    const classes = orderClasses(markedClasses(set), request, parent);
    const taught = {
      task: set.task,
      labels: classes.map(({ label }) => label),
      hasMasks: set.files.every(({ objects }) => objects.every(({ counts }) => counts !== undefined)),
    };
    return { ...base, classes, manifest: newDense(request, parent, taught, name, OWN_AIMS) };
  }
  const [empty] = set.empty;
  if (set.files.length > 0 && empty !== undefined) {
    throw new PoorClass(
      empty,
      `Every sub-folder must hold pictures of its class, but ${join(set.source, empty)} holds none`,
    );
  }
  const classes = orderClasses(classNames(set), request, parent);
  const counts = Map.groupBy(set.files, ({ className }) => className);
  checkHoldout(
    classes.map((one) => ({ name: one.name, images: counts.get(one.name)?.length ?? 0 })),
    holdout,
  );
  const labels = classes.map(({ label }) => label);
  const manifest = newManifest(request, parent, labels, name, recipeAims(request.recipe ?? OWN_RECIPE));
  return { ...base, classes, manifest };
}

/** The same training without a class and its pictures. */
function withoutClass<Known extends Base>(known: Known, className: string): Known {
  const { set, leftOut } = known;
  if (isMarkedSet(set)) {
    const { set: left, images } = withoutMarkedClass(set, className);
    return { ...known, set: left, leftOut: [...leftOut, { name: className, images }] };
  }
  const files = set.files.filter((file) => file.className !== className);
  const images = set.files.length - files.length;
  return {
    ...known,
    set: { ...set, files, empty: set.empty.filter((name) => name !== className) },
    leftOut: [...leftOut, { name: className, images }],
  };
}

/**
 * Does something with a training and, where the request allows it, again without the class whose pictures were too few for
 * that. `work` rejects with PoorClass for such a class.
 */
export async function withoutPoor<Result>(
  known: Base,
  work: (left: ResolvedTraining) => Result | Promise<Result>,
): Promise<Result> {
  let left = known;
  for (;;) {
    try {
      return await work(resolveClasses(left));
    } catch (error) {
      if (!(error instanceof PoorClass) || known.request.leaveOutPoor !== true) throw error;
      left = withoutClass(left, error.className);
    }
  }
}

/** The recipe for so many pictures to learn from; `epochs` in place of the request's where time is short. */
export function makeRecipe(
  { request, parent, classes, manifest }: ResolvedTraining,
  images: number,
  epochs = request.epochs,
): TrainingRecipe {
  const { method, recipe = OWN_RECIPE, batch, learningRate: rate } = request;
  const { imageSize, embedDim } = manifest;
  const conditions = { method, images, imageSize, embedDim, epochs, batch, rate };
  const losses = (goesOn: boolean) => lossesOf(method, goesOn, manifest);
  if (isDense(manifest))
    return {
      ...denseRecipe(
        manifest.task,
        { ...conditions, freezesBackbone: request.freeze !== undefined },
        request.augment ?? {},
      ),
      losses: losses(false),
    };
  const goesOn = method === 'fine-tune' && recipe === OWN_RECIPE && areParents(classes, parent);
  const base = recipeBase(recipe, { ...conditions, goesOn });
  return {
    ...base,
    losses: losses(goesOn),
    augmentation: switchAugmentation(base.augmentation, request.augment ?? {}, imageSize),
  };
}

/** Weights of the losses that learn from the unpruned parent: as in the original's scripts, and beside labels it knows. */
const DISTILLED = { classification: 1, distillClass: 0.5, distillToken: 0.5 };
const REMEMBERED = { classification: 0.3, distillClass: 2, distillToken: 0.5 };
const LABELS_ALONE = { classification: 1, distillClass: 0, distillToken: 0 };

/** Of the parts that the model and the method have. */
function lossesOf(
  method: TrainingMethod,
  goesOn: boolean,
  { pruningLayers, tokenKeep, blockSelection, blockKeep = 1 }: Manifest,
): LossSettings {
  return {
    ...(method === 'distill' ? DISTILLED : goesOn ? REMEMBERED : LABELS_ALONE),
    tokenRatio: pruningLayers.length > 0 ? 10 : 0,
    blockRatio: blockSelection ? 10 : 0,
    tokenKeep,
    blockKeep,
  };
}

function refuseUseless(request: TrainingRequest): void {
  const { method, from, recipe, augment = {} } = request;
  if (recipe !== undefined && !RECIPE_NAMES.includes(recipe)) {
    throw new AppError(
      'BAD_ARGUMENT',
      `There is no recipe ${recipe}`,
      `There are ${RECIPE_NAMES.join(', ')}.`,
    );
  }
  if (method === 'scratch' && from !== undefined) {
    throw new AppError(
      'BAD_ARGUMENT',
      `Training from scratch starts from chance, but the model ${from} was named to start from`,
      'Leave it out, or choose the method fine-tune.',
    );
  }
  refuseUntaught(request);
  refuseFrozen(request);
  if (method !== 'head') return;
  const { epochs, learningRate, minutes } = request;
  const varied = Object.values(augment).some((isOn) => isOn === true) || undefined;
  const options = { epochs, learningRate, recipe, 'time limit': minutes, augmentation: varied };
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined) continue;
    throw new AppError(
      'BAD_ARGUMENT',
      `A new head is solved at once for pictures as they are, so there is no ${option} to set`,
      'Leave it out, or choose the method fine-tune.',
    );
  }
}

/** Throws BAD_ARGUMENT where there is no backbone to freeze. */
function refuseFrozen(request: TrainingRequest): void {
  if (request.freeze === undefined) return;
  if (!isDenseTask(taskOf(request)))
    throw new AppError(
      'BAD_ARGUMENT',
      'The backbone is frozen of models that find what lies where, but a classifier is to be taught',
      'Choose the method head, which teaches the last layer alone.',
    );
  if (request.method === 'scratch')
    throw new AppError(
      'BAD_ARGUMENT',
      'A backbone that starts from chance has to learn, so it cannot be frozen',
      'Name a model to start from, or leave it out.',
    );
}

/** Throws BAD_ARGUMENT for what the training of a dense model has not. */
function refuseUntaught(request: TrainingRequest): void {
  const { method, recipe, augment = {}, folder } = request;
  const task = taskOf(request);
  if (!isDenseTask(task)) return;
  const { methods, augmentations }: TaughtRecord = TAUGHT[task];
  const hint = 'Leave it out.';
  if (!methods.includes(method))
    throw new AppError(
      'BAD_ARGUMENT',
      `The method ${method} teaches classifiers, and no ${task} models`,
      'Choose fine-tune or scratch.',
    );
  if (recipe !== undefined && recipe !== OWN_RECIPE)
    throw new AppError('BAD_ARGUMENT', `The recipe ${recipe} is of classifiers`, hint);
  const others = Object.entries(augment).find(
    ([part, isOn]) => isOn === true && !augmentations.some((known) => known === part),
  );
  if (others !== undefined)
    throw new AppError('BAD_ARGUMENT', `The augmentation ${others[0]} is of classifiers`, hint);
  if (folder !== undefined)
    throw new AppError(
      'BAD_ARGUMENT',
      `A ${task} model is taught from a run, but a folder came`,
      `Import its ${TASKS[task].hasScores ? 'boxes or masks' : 'masks or class maps'} as a run (winnow labels import), or verify a run of another model.`,
    );
}

function trainingDevice(wanted = 'auto'): string {
  const device = wanted === 'auto' ? 'cpu' : wanted;
  if (DEVICES.includes(device)) return device;
  throw new AppError('BAD_ARGUMENT', `Training is computed on ${DEVICES.join(' or ')}, but not on ${device}`);
}

async function findParent(
  request: TrainingRequest,
  { registry }: TrainingContext,
): Promise<ParentModel | undefined> {
  const { method, from = DEFAULT_MODEL } = request;
  if (method === 'scratch') return undefined;
  const model = await registry.find(from);
  const manifest = parentOf[taskOf(request)](model);
  return { model, manifest, sha256: await registry.sha256(model) };
}

function findPictures(
  request: TrainingRequest,
  context: TrainingContext,
  signal: AbortSignal | undefined,
): Promise<PictureSet | MarkedSet> {
  const { folder, runId } = request;
  if ((folder === undefined) === (runId === undefined)) {
    throw new AppError(
      'BAD_ARGUMENT',
      `Training needs a folder or a run to learn from, but ${folder === undefined ? 'neither' : 'both'} came`,
      'Name a folder whose sub-folders are classes, or a run with reviewed images.',
    );
  }
  if (folder !== undefined) return scanClassFolders(folder, signal);
  const run = context.runRow(runId ?? 0);
  const task = taskOf(request);
  const { library } = context;
  return isDenseTask(task) ? markedPictures(library, run, task) : reviewedPictures(library, run);
}

/** The name that was asked for, or a free one after the pictures and the method. Throws BAD_ARGUMENT for one that exists. */
async function newName(
  { name, method }: TrainingRequest,
  { source }: Pick<PictureSet, 'source'>,
  { registry }: TrainingContext,
  isTaken: (name: string) => boolean,
): Promise<string> {
  if (name !== undefined) {
    await registry.newPath(name);
    return name;
  }
  const { packages, damaged } = await registry.scan();
  const there = new Set([
    ...packages.map((model) => foldName(model.name)),
    ...damaged.map(({ path }) => foldName(basename(path, '.safetensors'))),
  ]);
  const wished = nearestPackageName(`${basename(source)}-${method}`);
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? wished : `${wished}-${number}`;
    if (!there.has(foldName(candidate)) && !isTaken(candidate)) return candidate;
  }
}

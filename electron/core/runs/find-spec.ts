import { createHash } from 'node:crypto';
import { AppError } from '../../shared/errors.ts';
import type { Label, ModelPackage, ToolManifest } from '../../shared/model-package.ts';
import type { FindSpec, LabelRule, PredictedSpec, Preset } from '../../shared/run.ts';
import { shortJson } from '../../shared/shortened.ts';
import { TASKS } from '../../shared/tasks.ts';
import { displayNames, foldClass } from '../models/class-names.ts';
import type { Library } from '../store/library.ts';
import type { ModelRow } from '../store/tables/models.ts';
import type { RunRow } from '../store/tables/runs.ts';

/** What is to be found before a classifier labels it; what is left out has a default. */
export interface FindRequest {
  /** A detection model, by its name or path. */
  model?: string | undefined;
  /** Or a run whose boxes are taken. */
  runId?: number | undefined;
  preset?: Preset['name'] | undefined; // of the model
  above?: number | undefined; // smallest score of a box that is labelled
  margin?: number | undefined;
  rule?: LabelRule | undefined;
  /** Kinds that keep the finder's label. */
  pass?: readonly string[] | undefined;
}

export const DEFAULT_ABOVE = 0.2;
export const DEFAULT_MARGIN = 0.1;
export const DEFAULT_RULE: LabelRule = 'best';
/** Kinds that no classifier of animals or goods is asked about, as detectors call them. */
const USUALLY_PASSED = ['person', 'human', 'vehicle'];

/** Who found boxes, with the names of its kinds. */
export interface Finder {
  name: string;
  sha256: string;
  labels: readonly Label[];
}

/** The classes of a run that finds first. */
export interface FoundClasses {
  labels: Label[]; // the classifier's, then those that are passed through and are none of them
  /** Kinds of the finder that keep its label -> their class in `labels`. */
  passed: ReadonlyMap<number, number>;
}

/** The classes of boxes that a classifier labels but for some kinds of the finder. `pass`: as they are shown. */
export function foundClasses(
  finder: readonly Label[],
  classifier: readonly Label[],
  pass: readonly string[],
): FoundClasses {
  const labels = [...classifier];
  const passed = new Map<number, number>();
  for (const [index, name] of displayNames(finder).entries()) {
    if (!pass.includes(name)) continue;
    const known = displayNames(classifier).indexOf(name);
    passed.set(index, known < 0 ? labels.push({ name }) - 1 : known);
  }
  return { labels, passed };
}

/** How what was found is to be labelled, with defaults for what was not asked for. Throws BAD_ARGUMENT. */
export function resolveLabelling(
  { above = DEFAULT_ABOVE, margin = DEFAULT_MARGIN, rule = DEFAULT_RULE, pass }: FindRequest,
  finder: Finder,
): Pick<FindSpec, 'minScore' | 'margin' | 'rule' | 'pass'> {
  const names = displayNames(finder.labels);
  const find = (wanted: string) => names.find((name) => foldClass(name) === foldClass(wanted));
  if (pass === undefined) {
    const usual = names.filter((name) => USUALLY_PASSED.includes(foldClass(name)));
    return { minScore: above, margin, rule, pass: usual.sort() };
  }
  const kinds = new Set<string>();
  for (const wanted of pass) {
    const name = find(wanted);
    if (name === undefined)
      throw new AppError(
        'BAD_ARGUMENT',
        `Expected kinds of ${finder.name} to be passed through, but ${shortJson(wanted)} is none of them`,
        `It finds ${names.slice(0, 12).join(', ')}${names.length > 12 ? ' and others' : ''}.`,
      );
    kinds.add(name);
  }
  return { minScore: above, margin, rule, pass: [...kinds].sort() };
}

/** Who found the boxes of a run: its model, and of a run that finds first the one that does. */
export function finderOf(library: Library, { spec }: Pick<RunRow, 'spec'>): Finder {
  const { find } = spec;
  const { sha256, name, manifest } = library.models.get(find?.modelSha256 ?? spec.modelSha256);
  return { name: find?.modelName ?? name, sha256, labels: manifest.labels };
}

/** Who found the boxes of a run that are to be labelled. Throws BAD_ARGUMENT where it has none, or is of other folders. */
export function requireBoxes(library: Library, run: RunRow, folders: readonly string[]): Finder {
  const { name, manifest } = library.models.get(run.spec.modelSha256);
  if (!TASKS[manifest.task].hasScores)
    throw new AppError(
      'BAD_ARGUMENT',
      `Expected a run with boxes to be labelled, but run ${run.id} is of ${name}, which ${TASKS[manifest.task].does}`,
      'Name a run of a detection model, or boxes that were imported.',
    );
  const same =
    folders.length === run.spec.folders.length && folders.every((path) => run.spec.folders.includes(path));
  if (same) return finderOf(library, run);
  throw new AppError(
    'BAD_ARGUMENT',
    `Expected the folders of run ${run.id}, whose boxes are to be labelled, but others were named`,
    `Name ${run.spec.folders.join(', ')}.`,
  );
}

/** The spec of the run of a detection model that goes first. */
export function finderSpec({ folders, device, find }: PredictedSpec): PredictedSpec | undefined {
  if (find?.predicted === undefined) return undefined;
  const { modelName, modelSha256, predicted } = find;
  return { folders, modelName, modelSha256, device, ...predicted };
}

/** The spec by the model that labels: of a run that finds first the classifier, of another its only one. */
export function labellingSpec(spec: PredictedSpec): PredictedSpec {
  return { ...spec, modelSha256: spec.find?.classifierSha256 ?? spec.modelSha256 };
}

/** What stands for both models of a run that finds first, where one model is asked for: its classes are those of the boxes. */
export function pairOf(
  finder: Finder,
  classifier: ModelPackage,
  find: Pick<FindSpec, 'pass' | 'classifierSha256'>,
): ModelRow {
  const { labels } = foundClasses(finder.labels, classifier.manifest.labels, find.pass);
  const manifest: ToolManifest = { tool: classifier.name, task: 'detection', labels };
  const key = JSON.stringify([finder.sha256, find.classifierSha256, find.pass]);
  const sha256 = createHash('sha256').update(key).digest('hex');
  return { sha256, name: classifier.name, path: '', manifest };
}

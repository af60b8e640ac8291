import type {
  LabelClass,
  LabelColumns,
  LabelReport,
  LabelRequest,
} from '../../../electron/shared/api/labels.ts';
import { isDenseTask } from '../../../electron/shared/tasks.ts';
import type { DenseTask } from '../../../electron/shared/tasks.ts';
import { SHOWN_SCORE } from '../../../electron/shared/found-score.ts';
import type { Run } from '../../../electron/shared/run.ts';

/** What a person has said of an import. */
export interface LabelForm {
  path: string;
  folder: string;
  as: 'run' | 'reviews';
  tool: string;
  by: string;
  runId: number | undefined; // beside whose labels reviews stand; undefined for the one that fits best
  replace: boolean;
  minScore: number | null; // smallest score of boxes, 0 to 1; null for the usual one
  task: DenseTask | undefined; // what masks are; undefined for what the file tells
}

/** The smallest score of boxes where a person says nothing. */
export const usualScore = (as: LabelForm['as']): number => (as === 'reviews' ? SHOWN_SCORE : 0);

/** What a class of the file becomes: a name; nothing in the image; or it is left out. */
export type ClassChoice = { kind: 'name'; name: string } | { kind: 'blank' } | { kind: 'out' };

/** Whether all is said that an import needs. */
export function isComplete({ path, folder, as, tool, by }: LabelForm): boolean {
  return path.trim() !== '' && folder !== '' && (as === 'run' ? tool : by).trim() !== '';
}

/**
 * The request that the form stands for; only classes that become something else than they are called are named in it.
 * `columns`: of a table, where they are chosen.
 */
export function toRequest(
  form: LabelForm,
  choices: ReadonlyMap<string, ClassChoice>,
  columns?: LabelColumns,
): LabelRequest {
  const { path, folder, as, tool, by, runId, replace, minScore, task } = form;
  const purpose: LabelRequest['purpose'] =
    as === 'run'
      ? { kind: 'run', tool: tool.trim() }
      : { kind: 'reviews', by: by.trim(), replace, ...(runId !== undefined && { runId }) };
  const classes = Object.fromEntries([...choices].map(([name, choice]) => [name, becomes(name, choice)]));
  return {
    path: path.trim(),
    folder,
    purpose,
    ...(choices.size > 0 && { classes }),
    ...(columns !== undefined && { columns }),
    ...(typeof minScore === 'number' && { minScore }),
    ...(task !== undefined && { task }),
  };
}

/** A name that was emptied is that of the file. */
function becomes(name: string, choice: ClassChoice): string | null {
  if (choice.kind === 'out') return null;
  if (choice.kind === 'blank') return '';
  return choice.name.trim() === '' ? name : choice.name.trim();
}

/** What a class becomes as it stands: as a person chose it, else as the file was read. */
export function choiceOf(
  { name, becomes: read }: LabelClass,
  choices: ReadonlyMap<string, ClassChoice>,
): ClassChoice {
  const chosen = choices.get(name);
  if (chosen !== undefined) return chosen;
  if (read === null) return { kind: 'out' };
  return read === '' ? { kind: 'blank' } : { kind: 'name', name: read };
}

/** Runs that reviews of images in a folder can stand beside, the last first. */
export function runsOn(runs: readonly Run[], folder: string): Run[] {
  return runs.filter(({ spec }) => spec.folders.includes(folder)).toReversed();
}

/** What the masks of a file are as it was read; undefined where it has none. */
export function masksAre({ task, masks }: LabelReport): DenseTask | undefined {
  return masks > 0 && isDenseTask(task) ? task : undefined;
}

import type { Training, TrainingDetails, TrainingProgress } from '../../../shared/api/training.ts';
import { taskOf } from '../../../shared/training.ts';
import { pictureCounts } from './journal.ts';
import type { Journal } from './journal.ts';

/** `progress`: of a training under way in this process; `isWorkedOn`: whether a process that lives works on it. */
export function describeTraining(
  id: number,
  journal: Journal,
  progress: TrainingProgress | undefined,
  isWorkedOn: () => boolean,
): Training {
  const { name, method, parent, source, createdAt, finishedAt, best, reason, ended, model } = journal;
  const isUnderWay = journal.state === 'preparing' || journal.state === 'running';
  const elsewhere = isUnderWay && progress === undefined && isWorkedOn();
  return {
    id,
    task: taskOf(journal.request),
    name,
    method,
    from: parent?.name,
    source,
    // A training that nobody works on was cut off, and can go on.
    state: isUnderWay && progress === undefined && !elsewhere ? 'paused' : journal.state,
    elsewhere,
    createdAt,
    finishedAt,
    progress: progress ?? restingProgress(journal),
    best: best && { epoch: best.epoch, score: best.score },
    reason: reason ?? ended,
    model,
  };
}

/** What stands in the list for a training whose journal cannot be understood, so that it can be removed. */
export function damagedTraining(id: number, createdAt: string, reason: string): Training {
  return {
    id,
    task: 'classification',
    name: `training ${id}`,
    method: 'fine-tune',
    from: undefined,
    source: '',
    state: 'failed',
    elsewhere: false,
    createdAt,
    finishedAt: undefined,
    best: undefined,
    reason,
    model: undefined,
    progress: { phase: 'reading', done: 0, total: 0, epoch: 0, epochs: 0, ...STANDING_STILL },
  };
}

const STANDING_STILL = { secondsLeft: undefined, imagesPerSecond: 0 };

function restingProgress({ state, plan, position, epochs, trained }: Journal): TrainingProgress {
  if (plan === undefined)
    return { phase: 'reading', done: 0, total: 0, epoch: 0, epochs: 0, ...STANDING_STILL };
  const all = plan.recipe.epochs;
  return {
    phase: state === 'done' ? 'done' : trained ? 'finishing' : 'training',
    done: position.step,
    total: plan.steps,
    epoch: Math.min(all, epochs.length + (state === 'done' ? 0 : 1)),
    epochs: all,
    ...STANDING_STILL,
  };
}

/** The details of a training; before its pictures were read, as far as its request tells. */
export function describeDetails(training: Training, journal: Journal): TrainingDetails {
  const { plan, epochs, position, result } = journal;
  return {
    training,
    recipe: plan?.recipe ?? journal.outline,
    pictures: plan === undefined ? { learned: 0, held: 0 } : pictureCounts(plan),
    classes: plan?.classes ?? [],
    warnings: plan?.warnings ?? [],
    epochs,
    steps: position.curve.points,
    result,
    found: journal.found,
    head: journal.head,
  };
}

import type { Outlook, RunPlan } from '../shared/api/runs.ts';
import type { Download } from '../shared/api/downloads.ts';
import type { LabelEvent } from '../shared/api/labels.ts';
import type { AppEvent } from '../shared/app-api.ts';
import type { Training, TrainingProgress } from '../shared/api/training.ts';
import type { CalibrationProgress } from '../shared/calibration.ts';
import type { RunProgress } from '../shared/run.ts';
import type { StepReport } from '../shared/training.ts';
import { describeEpoch } from './describe-training.ts';
import {
  bytes,
  count,
  duration,
  findText,
  finePercent,
  oneLine,
  percent,
  points,
  presetText,
  taskText,
} from './format.ts';
import { isWatched, rewriteLine, tell } from './terminal.ts';

const PLAIN_INTERVAL = 10_000; // milliseconds between lines when nobody watches
const LIVE_INTERVAL = 100; // and between rewrites of the line on a terminal

const LABEL_PHASES: Record<LabelEvent['phase'], string> = {
  reading: 'reading labels',
  sizes: 'sizes of pictures',
  saving: 'saving',
};

/**
 * Tells on stderr how a run or a calibration goes: one line that is rewritten on a terminal, now and then a line otherwise.
 */
export class RunDisplay {
  readonly #live = isWatched();
  #lineLength = 0;
  #lastShown = -Infinity;
  #learned: StepReport | undefined; // the last that was heard of a training

  hear(event: AppEvent): void {
    if (event.type === 'started') this.#print(describePlan(event.plan));
    else if (event.type === 'notice') this.#print(`${oneLine(event.message)}\n`);
    else if (event.type === 'calibrating') this.#calibrating(event.progress);
    else if (event.type === 'progress') this.#progress(event.progress);
    else if (event.type === 'scanning' && event.total !== undefined) this.#reading(event.files, event.total);
    else if (event.type === 'training') this.#training(event.training);
    else if (event.type === 'trainingStep') this.#learned = event.report;
    else if (event.type === 'trainingEpoch') this.#print(`${describeEpoch(event.report)}\n`);
    else if (event.type === 'download') this.#download(event.download);
    else if (event.type === 'importingLabels' && this.#live) this.#labels(event);
    else if (event.type === 'exporting' && this.#live) this.#exporting(event.done, event.total);
  }

  /** Leaves the line that was being rewritten. */
  finish(): void {
    if (this.#lineLength > 0) tell('\n');
    this.#lineLength = 0;
  }

  #progress(progress: RunProgress): void {
    this.#show(progress.phase === 'done', () => describeProgress(progress));
  }

  #calibrating(progress: CalibrationProgress): void {
    this.#show(progress.done === progress.total, () => describeCalibrating(progress));
  }

  #reading(done: number, total: number): void {
    this.#show(done === total, () => describeReading(done, total));
  }

  #training({ progress }: Training): void {
    if (progress.phase === 'reading' && progress.total === 0) return; // nothing to say yet
    this.#show(progress.phase === 'done', () => describeLearning(progress, this.#learned));
  }

  #download(download: Download): void {
    this.#show(download.phase === 'done', () => describeDownload(download));
  }

  #exporting(done: number, total: number): void {
    this.#show(done === total, () => `${done.toLocaleString('en')}/${total.toLocaleString('en')} images`);
  }

  #labels({ phase, done, total }: LabelEvent): void {
    this.#show(done === total, () => `${LABEL_PHASES[phase]}  ${total === 0 ? '' : percent(done / total)}`);
  }

  /** Shows the line that `describe` gives when one is due, and the last one always. */
  #show(last: boolean, describe: () => string): void {
    const now = performance.now();
    const due = now - this.#lastShown >= (this.#live ? LIVE_INTERVAL : PLAIN_INTERVAL);
    if (!due && !last) return;
    this.#lastShown = now;
    const text = describe();
    if (this.#live) rewriteLine(text.padEnd(this.#lineLength));
    else tell(`${text}\n`);
    this.#lineLength = this.#live ? text.length : 0;
  }

  #print(text: string): void {
    this.finish();
    tell(text);
  }
}

function describePlan({ run, bundledModel, workShare, outlook, threads, batch }: RunPlan): string {
  const { spec } = run;
  const task = taskText(spec);
  const find = findText(spec);
  return [
    `Run ${run.id}`,
    ...spec.folders.map((folder) => `  folder  ${oneLine(folder)}`),
    `  model   ${spec.modelName}${bundledModel ? ' (comes with Winnow: for a first try, not for work)' : ''}`,
    `  preset  ${spec.preset.name}: ${presetText(spec.preset)}`,
    ...(find === undefined ? [] : [`  first   ${find}`]),
    ...(task === undefined ? [] : [`  finds   ${task}`]),
    `  work    ${percent(workShare)} of the whole model's FLOPs`,
    `  expect  ${describeOutlook(outlook)}`,
    `  device  ${spec.device}, ${count(threads, 'thread')}, ${batch === undefined ? 'batches as it goes best' : `${count(batch, 'image')} per batch`}`,
    '',
  ].join('\n');
}

function describeOutlook(outlook: Outlook): string {
  if ('unknown' in outlook) return oneLine(outlook.unknown);
  const { imagesPerSecond, agreement, loss, images, createdAt } = outlook.expected;
  const parts = [
    `${imagesPerSecond.toFixed(1)} images/s in the engine`,
    `${finePercent(agreement)} of Accurate's labels`,
  ];
  if (loss !== undefined)
    parts.push(`${points(Math.abs(loss))} points of accuracy ${loss < 0 ? 'more' : 'less'}`);
  return `${parts.join(', ')} (calibrated ${createdAt.slice(0, 10)}, ${count(images, 'image')})`;
}

function describeCalibrating({ done, total, secondsLeft }: CalibrationProgress): string {
  const left = secondsLeft === undefined || done === total ? '' : `  ${duration(secondsLeft)} left`;
  return `calibrating  ${percent(done / total)}${left}`;
}

/** How far a model that is fetched has come. */
function describeDownload({ phase, done, total, bytesPerSecond, secondsLeft }: Download): string {
  if (phase === 'waiting') return `waiting  ${duration(secondsLeft ?? 0)}`;
  const parts = [phase, total === undefined ? bytes(done) : `${bytes(done)} of ${bytes(total)}`];
  if (total !== undefined && total > 0) parts.push(percent(done / total));
  if (bytesPerSecond > 0) parts.push(`${bytes(bytesPerSecond)}/s`);
  if (secondsLeft !== undefined) parts.push(`${duration(secondsLeft)} left`);
  return parts.join('  ');
}

/** Reading pictures before a training. */
function describeReading(done: number, total: number): string {
  return `reading  ${done.toLocaleString('en')}/${total.toLocaleString('en')} pictures`;
}

/** What a training does now. */
function describeLearning(progress: TrainingProgress, learned: StepReport | undefined): string {
  const { phase, done, total, epoch, epochs, secondsLeft, imagesPerSecond } = progress;
  if (phase === 'reading') return describeReading(done, total);
  const parts: string[] = [phase];
  if (epoch > 0 && epochs > 1) parts.push(`epoch ${epoch}/${epochs}`);
  parts.push(percent(total === 0 ? 1 : done / total));
  if (phase === 'training' && learned !== undefined)
    parts.push(`loss ${learned.losses.total.toFixed(3)}`, `accuracy ${percent(learned.accuracy)}`);
  if (imagesPerSecond > 0) parts.push(`${imagesPerSecond.toFixed(0)} images/s`);
  if (secondsLeft !== undefined && phase !== 'done') parts.push(`${duration(secondsLeft)} left`);
  return parts.join('  ');
}

function describeProgress({
  phase,
  total,
  pending,
  failed,
  imagesPerSecond,
  secondsLeft,
  stages,
}: RunProgress): string {
  if (phase === 'scanning') return `${count(total, 'image')} found`;
  if (stages !== undefined) return describeStages(stages, { imagesPerSecond, secondsLeft, phase, failed });
  const done = total - pending;
  const parts = [`${done}/${total} images`, percent(done / total), `${imagesPerSecond.toFixed(1)} images/s`];
  if (secondsLeft !== undefined && phase !== 'done') parts.push(`${duration(secondsLeft)} left`);
  if (failed > 0) parts.push(`${failed} failed`);
  return parts.join('  ');
}

/** Of a run that finds first: the pictures that boxes are found in, then the boxes that are labelled. */
function describeStages(
  { found, labelled }: NonNullable<RunProgress['stages']>,
  {
    imagesPerSecond,
    secondsLeft,
    phase,
    failed,
  }: Pick<RunProgress, 'imagesPerSecond' | 'secondsLeft' | 'phase' | 'failed'>,
): string {
  const parts = [`found in ${found.done}/${found.total} images`];
  if (found.done === found.total) parts.push(`${labelled.done}/${labelled.total} boxes labelled`);
  parts.push(`${imagesPerSecond.toFixed(1)} images/s`);
  if (secondsLeft !== undefined && phase !== 'done') parts.push(`${duration(secondsLeft)} left`);
  if (failed > 0) parts.push(`${failed} failed`);
  return parts.join('  ');
}

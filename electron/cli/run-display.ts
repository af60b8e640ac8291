import type { AppEvent, RunPlan } from '../shared/app-api.ts';
import type { RunProgress } from '../shared/run.ts';
import { count, duration, oneLine, percent } from './format.ts';

const PLAIN_INTERVAL = 10_000; // milliseconds between lines when nobody watches
const LIVE_INTERVAL = 100; // and between rewrites of the line on a terminal

/** Tells on stderr how a run goes: one line that is rewritten on a terminal, now and then a line otherwise. */
export class RunDisplay {
  readonly #out: NodeJS.WriteStream;
  readonly #live: boolean;
  #lineLength = 0;
  #lastShown = -Infinity;

  constructor(out: NodeJS.WriteStream = process.stderr) {
    this.#out = out;
    this.#live = out.isTTY;
  }

  hear(event: AppEvent): void {
    if (event.type === 'started') this.#print(describePlan(event.plan));
    else if (event.type === 'notice') this.#print(`${oneLine(event.message)}\n`);
    else this.#progress(event.progress);
  }

  /** Leaves the line that was being rewritten. */
  finish(): void {
    if (this.#lineLength > 0) this.#out.write('\n');
    this.#lineLength = 0;
  }

  #progress(progress: RunProgress): void {
    const now = performance.now();
    const due = now - this.#lastShown >= (this.#live ? LIVE_INTERVAL : PLAIN_INTERVAL);
    if (!due && progress.phase !== 'done') return;
    this.#lastShown = now;
    const text = describeProgress(progress);
    if (this.#live) this.#out.write(`\r${text.padEnd(this.#lineLength)}`);
    else this.#out.write(`${text}\n`);
    this.#lineLength = this.#live ? text.length : 0;
  }

  #print(text: string): void {
    this.finish();
    this.#out.write(text);
  }
}

function describePlan({ run, bundledModel, workShare, threads, batch }: RunPlan): string {
  const { spec } = run;
  const { name, tokenKeep, blockThreshold } = spec.preset;
  const ratios = tokenKeep.map((ratio) => Number(ratio.toFixed(3))).join(', ');
  const kept = tokenKeep.length === 0 ? 'no pruning of patches' : `patches kept ${ratios}`;
  return [
    `Run ${run.id}`,
    ...spec.folders.map((folder) => `  folder  ${oneLine(folder)}`),
    `  model   ${spec.modelName}${bundledModel ? ' (comes with Winnow: for a first try, not for work)' : ''}`,
    `  preset  ${name}: ${kept}; block threshold ${blockThreshold}`,
    `  work    ${percent(workShare)} of the whole model's FLOPs`,
    `  device  ${spec.device}, ${count(threads, 'thread')}, ${count(batch, 'image')} per batch`,
    '',
  ].join('\n');
}

function describeProgress({
  phase,
  total,
  pending,
  failed,
  imagesPerSecond,
  secondsLeft,
}: RunProgress): string {
  if (phase === 'scanning') return `${count(total, 'image')} found`;
  const done = total - pending;
  const parts = [`${done}/${total} images`, percent(done / total), `${imagesPerSecond.toFixed(1)} images/s`];
  if (secondsLeft !== undefined && phase !== 'done') parts.push(`${duration(secondsLeft)} left`);
  if (failed > 0) parts.push(`${failed} failed`);
  return parts.join('  ');
}

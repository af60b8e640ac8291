import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { AppService } from '../../../electron/core/app-service.ts';
import type { Training } from '../../../electron/shared/api/training.ts';
import type { AppArguments, AppEvent } from '../../../electron/shared/app-api.ts';
import { nextEvent } from './events.ts';
import { writeFiles } from './files.ts';
import { session } from './test-app.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { TrainerDouble } from './trainer-double.ts';

/** An app with a trainer that learns nothing, on a data folder; another one may follow on the same. */
export interface TrainingApp {
  app: AppService;
  trainer: TrainerDouble;
  events: AppEvent[];
  data: string;
  clock: { now: number };
}

export function trainingApp(t: TestContext, data = temporaryFolder(t)): TrainingApp {
  const trainer = new TrainerDouble();
  const clock = { now: Date.parse('2026-03-04T05:06:07.000Z') };
  const { app, events } = session(t, join(data, 'library.db'), { trainer, clock: () => clock.now });
  return { app, trainer, events, data, clock };
}

/** Class folders with so many files each, which only the double can read. */
export function classFolders(t: TestContext, counts: Record<string, number>): string {
  const folder = temporaryFolder(t);
  const files = Object.entries(counts).flatMap(([name, count]) =>
    Array.from({ length: count }, (_, index) => [
      `${name}/${String(index).padStart(3, '0')}.jpg`,
      `${name} ${index}`,
    ]),
  );
  writeFiles(folder, Object.fromEntries(files) as Record<string, string>);
  return folder;
}

/** The smallest model from scratch: its steps are all that takes time. */
export const smallest = {
  method: 'scratch',
  size: 'micro',
  width: 8,
  depth: 4,
  states: 2,
  imageSize: 8,
  patchSize: 4,
} as const;

/** When a training has ended, in whatever state. */
export async function trainingEnded(app: AppService, id: number): Promise<Training> {
  const ended = nextEvent(
    app,
    (event) => event.type === 'training' && event.training.id === id && hasEnded(event.training),
  );
  const { training } = await app.showTraining({ trainingId: id });
  if (hasEnded(training)) return training;
  await ended;
  return (await app.showTraining({ trainingId: id })).training;
}

function hasEnded({ state }: Training): boolean {
  return state === 'done' || state === 'paused' || state === 'failed';
}

/** Starts a training and waits for its end. */
export async function train(app: AppService, request: AppArguments<'startTraining'>): Promise<Training> {
  const { id } = await app.startTraining(request);
  return trainingEnded(app, id);
}

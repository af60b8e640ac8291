import type { TrainingSamples } from '../../shared/api/training.ts';
import { TASKS } from '../../shared/tasks.ts';
import type { TaughtTask } from '../../shared/training.ts';
import type { TrainingPictures } from './journal/journal.ts';
import type { Samples } from './journal/samples.ts';
import { sampleSize, toSample } from './steps/samples.ts';

/** The samples of a training for a task beside the truth; areas are told by their pixels alone. */
export function describeSamples(
  task: TaughtTask,
  { pictures }: TrainingPictures,
  { epochs }: Samples,
): TrainingSamples {
  const indices = [...new Set(epochs.flatMap((epoch) => epoch.pictures.map(({ index }) => index)))];
  const shown = indices
    .sort((one, other) => one - other)
    .flatMap((index) => {
      const picture = pictures[index];
      return picture === undefined ? [] : [{ index, picture }];
    });
  return {
    pictures: shown.map(({ index, picture }) => {
      const { relativePath: path } = picture;
      if (!('objects' in picture)) {
        const { classIndex, box } = picture;
        return { index, path, truth: [{ classIndex, ...(box && { box }) }] };
      }
      const { size } = picture;
      const objects = picture.objects.map(({ box, ...object }) =>
        TASKS[task].foundIn === 'masks' ? object : { box, ...object },
      );
      return { index, path, size, map: sampleSize(size), truth: toSample(objects, size) };
    }),
    epochs: epochs.map((one) => {
      const found = new Map(one.pictures.map(({ index, found: objects }) => [index, objects]));
      return { epoch: one.epoch, found: shown.map(({ index }) => found.get(index)) };
    }),
  };
}

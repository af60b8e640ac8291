import type { TrainingSamples } from '../../shared/api/training.ts';
import type { TrainingPictures } from './journal/journal.ts';
import type { Samples } from './journal/samples.ts';
import { sampleSize, toSample } from './steps/samples.ts';

/** The samples of a training beside the truth. */
export function describeSamples({ pictures }: TrainingPictures, { epochs }: Samples): TrainingSamples {
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
      const { size, objects } = picture;
      return { index, path, size, map: sampleSize(size), truth: toSample(objects, size) };
    }),
    epochs: epochs.map((one) => {
      const found = new Map(one.pictures.map(({ index, found: objects }) => [index, objects]));
      return { epoch: one.epoch, found: shown.map(({ index }) => found.get(index)) };
    }),
  };
}

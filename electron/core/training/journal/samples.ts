import { z } from 'zod';

const count = z.int().nonnegative();

/** What a model says of a picture: a class; where in the picture, of detection; which pixels, at the sample's size. */
const sampledObject = z.strictObject({
  classIndex: count,
  score: z.number().optional(),
  box: z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() }).optional(),
  counts: z.string().optional(),
});

/** What the epochs made of the same few pictures of the hold-out. */
export const samplesSchema = z.strictObject({
  stride: z.int().positive(), // of the epochs that are kept; the last is kept in any case
  epochs: z.array(
    z.strictObject({
      epoch: z.int().positive(),
      pictures: z.array(z.strictObject({ index: count, found: z.array(sampledObject) })),
    }),
  ),
});

export type Samples = z.output<typeof samplesSchema>;
export type SampledEpoch = Samples['epochs'][number];

const MOST_EPOCHS = 40;

/** With an epoch more, in the place of it and of those behind it; of many epochs only every second stays, and so on. */
export function withEpoch(samples: Samples | undefined, added: SampledEpoch): Samples {
  let { stride, epochs }: Pick<Samples, 'stride' | 'epochs'> = samples ?? { stride: 1, epochs: [] };
  const isKept = ({ epoch }: SampledEpoch) => epoch % stride === 0;
  epochs = epochs.filter((one) => one.epoch < added.epoch && isKept(one));
  while (epochs.length >= MOST_EPOCHS) {
    stride *= 2;
    epochs = epochs.filter(isKept);
  }
  return { stride, epochs: [...epochs, added] };
}

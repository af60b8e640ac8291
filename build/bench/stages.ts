import fs from 'node:fs';
import path from 'node:path';
import { BatchSize } from '../../electron/core/models/batch-size.ts';
import { predictPending } from '../../electron/core/runs/predict-pending.ts';
import { loadAddon } from '../../electron/engine/addon.ts';
import { prepareDecoder } from '../../electron/engine/pictures/decode-image.ts';
import { readImageFile } from '../../electron/engine/pictures/read-image-file.ts';
import { EngineDouble } from '../../test/electron/support/engine-double.ts';
import { RESIZE, SIDE, PICTURE_BYTES } from './pictures.ts';
import { newRun } from './scan.ts';
import { median, sum, timed } from './tables.ts';

/** Nothing is large enough to be shrunk for it. */
const NEVER_SHRUNK = 1e9;

/** Milliseconds per image of what the pipeline does before and after the model, one image at a time on one thread. */
export interface StageTimes {
  read: number;
  decode: number; // with reading the header
  resize: number;
  save: number;
}

/** The stages on the first `count` files of a folder, medians; with `whole`, no picture is shrunk by its decoder. */
export async function timeStages(folder: string, count: number, whole = false): Promise<StageTimes> {
  const [addon, decoder] = [loadAddon(), prepareDecoder()];
  const target = new Uint8Array(PICTURE_BYTES);
  const [reads, decodes, resizes]: [number[], number[], number[]] = [[], [], []];
  for (const name of fs.readdirSync(folder).slice(0, count)) {
    const started = performance.now();
    const { bytes } = await readImageFile(path.join(folder, name));
    const read = performance.now();
    const header = await decoder.readHeader(bytes);
    const { pixels, width, height } = await decoder.decode(bytes, header, whole ? NEVER_SHRUNK : RESIZE);
    const decoded = performance.now();
    await addon.resizeAndCrop(pixels, width, height, { resize: RESIZE, crop: SIDE }, target, 0);
    resizes.push(performance.now() - decoded);
    decodes.push(decoded - read);
    reads.push(read - started);
  }
  return {
    read: median(reads),
    decode: median(decodes),
    resize: median(resizes),
    save: await timeSaving(folder),
  };
}

export const timeToDecode = ({ read, decode, resize }: StageTimes): number => sum([read, decode, resize]);

/** Taking files from the library and saving their results in batches, with an engine that answers at once. */
async function timeSaving(folder: string): Promise<number> {
  const file = `${folder}-save.db`;
  const { library, run, scan } = await newRun(file, folder);
  await scan();
  let saved = 0;
  const milliseconds = await timed(() =>
    predictPending({
      library,
      engine: new EngineDouble(),
      runId: run.id,
      dial: { tokenKeep: [], blockThreshold: 0.5 },
      depth: 8, // of the engine's answers
      batchSize: new BatchSize(16),
      batchesUnderWay: 2,
      signal: new AbortController().signal,
      onSaved: (_images, outcomes) => (saved += outcomes.length),
    }),
  );
  library.close();
  for (const suffix of ['', '-wal', '-shm']) fs.rmSync(file + suffix, { force: true });
  return milliseconds / saved;
}

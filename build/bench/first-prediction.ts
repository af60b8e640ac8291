/**
 * node first-prediction.ts <model package> <cropped pictures> <precision> <threads>
 *
 * A process of its own, for what is slow only once: loads the model, predicts one picture and a batch, and prints the
 * milliseconds and the peak of its memory as JSON.
 */
import fs from 'node:fs';
import { PRECISIONS } from '../../electron/shared/run.ts';
import { openModel, trainedDial } from './engine.ts';
import { PICTURE_BYTES } from './pictures.ts';
import { timed } from './tables.ts';

const BATCH = 16;
const [, , file = '', pictures = '', name = '', threads = ''] = process.argv;
const precision = PRECISIONS.find((known) => known === name);
if (precision === undefined) throw new Error(`Expected a precision, but got "${name}".`);
const pixels = new Uint8Array(fs.readFileSync(pictures));
const started = performance.now();
const model = await openModel(file, Number(threads), precision);
const load = performance.now() - started;
const first = await timed(() => model.predict(pixels.slice(0, PICTURE_BYTES), 1, trainedDial));
await model.predict(pixels.slice(0, BATCH * PICTURE_BYTES), BATCH, trainedDial);
// The system's other count, maxRSS, begins with that of the process which started this one.
const [, peak] = /^VmHWM:\s*(\d+) kB/m.exec(fs.readFileSync('/proc/self/status', 'utf8')) ?? [];
const memory = (Number(peak) * 1024) / 1e6;
console.log(JSON.stringify({ load, first, memory }));

import { EventEmitter } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { WebSocket } from 'ws';
import { ZipFile } from 'yazl';
import { inspectCheckpoint } from '../../electron/core/checkpoint/inspect-checkpoint.ts';
import { unpickle } from '../../electron/core/checkpoint/unpickle.ts';
import { readCocoTruth } from '../../electron/core/evaluate/coco-truth.ts';
import { ClassMap } from '../../electron/core/labels/class-map.ts';
import { formatOf } from '../../electron/core/labels/choose-format.ts';
import { finderClasses } from '../../electron/core/labels/finder-classes.ts';
import { openSource } from '../../electron/core/labels/open-source.ts';
import { LabelResolver } from '../../electron/core/labels/resolve-labels.ts';
import { Staging } from '../../electron/core/labels/staging.ts';
import { readPackage, verifyPackage } from '../../electron/core/packages/read-package.ts';
import { SettingsFile } from '../../electron/core/app/settings-file.ts';
import { loadAddon } from '../../electron/engine/addon.ts';
import { connectWindow } from '../../electron/serve/window-socket.ts';
import { settingsSchema } from '../../electron/shared/api/settings.ts';
import { appApiArguments, checkArguments } from '../../electron/shared/app-api.ts';
import type { AppApi, AppCall } from '../../electron/shared/app-api.ts';
import { AppError, hasCode } from '../../electron/shared/errors.ts';
import type { ErrorCode } from '../../electron/shared/errors.ts';
import { decodeWire, encodeWire } from '../../electron/shared/wire.ts';
import { dynamicModel, TINY_ARGS, trainingCheckpoint } from '../electron/core/checkpoint/tiny-model.ts';
import { Arguments, saveLegacy, saveZip } from '../electron/core/checkpoint/torch-save.ts';
import { writeTinyDensePackage, writeTinyPackage } from '../electron/core/packages/tiny-package.ts';
import { mutateBytes, mutateJson } from './mutate.ts';
import type { Random } from './mutate.ts';

/** A reader of what comes from outside. */
export interface Target {
  name: string;
  mutate: (bytes: Uint8Array, seeds: readonly Uint8Array[], random: Random) => Uint8Array;
  open: (folder: string) => Promise<OpenTarget>;
}

export interface OpenTarget {
  /** Sound input. */
  seeds: readonly Uint8Array[];
  /** Throws AppError for input that is refused; every other error is a fault. */
  read: (input: Uint8Array) => unknown;
  close?: () => unknown;
}

export const targets: readonly Target[] = [
  { name: 'readers of labels', mutate: mutateBytes, open: openLabels },
  {
    name: 'unpickler',
    mutate: mutateBytes,
    open: () => Promise.resolve({ seeds: pickles(), read: (input) => unpickle(input) }),
  },
  {
    name: 'reader of checkpoints',
    mutate: mutateBytes,
    open: (folder) => {
      const path = join(folder, 'mutated.pth');
      const checkpoint = trainingCheckpoint(dynamicModel(), [['args', new Arguments(TINY_ARGS)]]);
      return Promise.resolve({
        seeds: [saveZip(checkpoint), saveLegacy(checkpoint)],
        read: (input) => {
          writeFileSync(path, input);
          return inspectCheckpoint(path, new Set());
        },
      });
    },
  },
  {
    name: 'reader of packages',
    mutate: mutateBytes,
    open: async (folder) => {
      const path = join(folder, 'mutated.safetensors');
      const read = async (input: Uint8Array) => {
        writeFileSync(path, input);
        await readPackage(path);
        await verifyPackage(path);
      };
      return { seeds: await packages(folder), read };
    },
  },
  {
    name: 'safetensors header',
    mutate: mutateHeader,
    open: async (folder) => {
      const path = join(folder, 'mutated.safetensors');
      const read = (input: Uint8Array) => {
        writeFileSync(path, input);
        return readPackage(path);
      };
      return { seeds: await packages(folder), read };
    },
  },
  {
    name: 'native reader of packages',
    mutate: (bytes, seeds, random) =>
      random(2) === 0 ? mutateHeader(bytes, seeds, random) : mutateBytes(bytes, seeds, random),
    open: async (folder) => {
      const path = join(folder, 'mutated.safetensors');
      const addon = loadAddon();
      const read = async (input: Uint8Array) => {
        writeFileSync(path, input);
        try {
          await addon.loadModel(path, { device: 'cpu', threads: 1, precision: 'fp32' });
        } catch (error) {
          if (!hasCode(error)) throw error;
          throw new AppError(error.code as ErrorCode, error.message);
        }
      };
      return { seeds: await packages(folder), read };
    },
  },
  {
    name: 'reader of COCO annotations',
    mutate: mutateJson,
    open: (folder) => {
      const path = join(folder, 'mutated.json');
      const read = (input: Uint8Array) => {
        writeFileSync(path, input);
        return readCocoTruth(path);
      };
      return Promise.resolve({ seeds: [Buffer.from(JSON.stringify(COCO))], read });
    },
  },
  {
    name: 'settings',
    mutate: mutateJson,
    open: (folder) => {
      const defaults = settingsSchema.parse({});
      const read = (input: Uint8Array) => {
        writeFileSync(join(folder, 'settings.json'), input);
        settingsSchema.parse(new SettingsFile(folder, () => undefined).read());
      };
      const seeds = [defaults, { ...defaults, theme: 'dark', threads: 3 }].map((one) =>
        Buffer.from(JSON.stringify(one)),
      );
      return Promise.resolve({ seeds, read });
    },
  },
  {
    name: 'wire messages',
    mutate: mutateJson,
    open: () =>
      Promise.resolve({ seeds: CALLS.map((call) => Buffer.from(encodeWire(call))), read: converse }),
  },
];

function pickles(): Uint8Array[] {
  const file = readFileSync(join(import.meta.dirname, '../golden/dyvm-vim-odd-random/checkpoint.pth'));
  const starts = [0];
  for (let index = 0; index < 4; index++) starts.push(unpickle(file, starts.at(-1)).end);
  return starts.slice(0, -1).map((start, index) => file.subarray(start, starts[index + 1]));
}

async function packages(folder: string): Promise<Uint8Array[]> {
  const paths = [
    await writeTinyPackage(folder, 'tiny'),
    await writeTinyDensePackage(folder, 'segmentation'),
    await writeTinyDensePackage(folder, 'detection'),
  ];
  return paths.map(({ path }) => readFileSync(path));
}

/** Changes the header's text and keeps its length right, so that what lies behind the length is reached. */
function mutateHeader(bytes: Uint8Array, seeds: readonly Uint8Array[], random: Random): Uint8Array {
  const file = Buffer.from(bytes);
  const end = 8 + Number(file.readBigUInt64LE());
  const header = file.subarray(8, end);
  const text = header.toString();
  // The manifest is text inside of the text.
  const manifest = /"winnow[^"]*":("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  const inner =
    manifest === undefined || random(2) === 0
      ? undefined
      : Buffer.from(mutateJson(Buffer.from(JSON.parse(manifest) as string), seeds, random)).toString();
  const made =
    manifest === undefined || inner === undefined
      ? mutateJson(header, [header], random)
      : Buffer.from(text.replace(manifest, () => JSON.stringify(inner)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(made.length));
  return Buffer.concat([length, made, file.subarray(end)]);
}

const COCO = {
  info: { year: 2026 },
  images: [
    { id: 1, file_name: 'a/1.jpg', width: 64, height: 48 },
    { id: 'two', file_name: '2.jpg' },
  ],
  annotations: [
    {
      id: 1,
      image_id: 1,
      category_id: 3,
      bbox: [1, 2, 30, 20],
      area: 600,
      iscrowd: 0,
      segmentation: [[1, 2, 31, 2, 31, 22]],
    },
    {
      id: 2,
      image_id: 1,
      category_id: 3,
      segmentation: { size: [48, 64], counts: [10, 20, 3042] },
      iscrowd: 1,
    },
    { id: 3, image_id: 'two', category_id: 3, bbox: [0, 0, 5.5, 7.25] },
    { id: 4, image_id: 1, category_id: 3, segmentation: { size: [48, 64], counts: 'PP1a0' } },
  ],
  categories: [{ id: 3, name: 'fox' }],
};

const CALLS = [
  { id: 1, name: 'listRuns', request: {} },
  {
    id: 2,
    name: 'findImages',
    request: { runId: 1, filter: { labels: ['fox'], minConfidence: 0.5 }, sort: 'path' },
  },
  {
    id: 3,
    name: 'review',
    request: {
      runId: 1,
      imageIds: [1, 2, 3],
      verdict: { kind: 'boxes', boxes: [{ label: 'fox', x: 1, y: 2, width: 3, height: 4 }] },
    },
  },
  { id: 4, name: 'changeSettings', request: { theme: 'dark', threads: null } },
  { id: 5, name: 'run', request: { folders: ['/pictures'], preset: 'fast', tokenKeep: '0.7', batch: 3 } },
];

/** An app that checks the arguments of its calls and does nothing. */
const app = Object.fromEntries([
  ['subscribe', () => () => undefined],
  ...(Object.keys(appApiArguments) as AppCall[]).map((name) => [
    name,
    (request: unknown) => Promise.resolve().then(() => void checkArguments(appApiArguments[name], request)),
  ]),
]) as unknown as AppApi;

/** Sends a message to the server's end of a socket: it answers it, in the words of an AppError, or closes. */
async function converse(input: Uint8Array): Promise<void> {
  const { promise: said, resolve } = Promise.withResolvers<string>();
  const OPEN = 1;
  const socket = Object.assign(new EventEmitter(), {
    OPEN,
    readyState: OPEN,
    bufferedAmount: 0,
    terminate: () => undefined,
    send: resolve,
    close: (code: number, reason: string) => resolve(JSON.stringify({ closed: code, reason })),
  });
  connectWindow(socket as unknown as WebSocket, { connect: () => ({ ...app, disconnect: () => undefined }) });
  socket.emit('message', Buffer.from(input), false);
  const answer = decodeWire(await said) as {
    error?: { code: ErrorCode; message: string };
    closed?: number;
    reason?: string;
  };
  if (answer.closed !== undefined) {
    if (answer.closed !== 1008 || Buffer.byteLength(answer.reason ?? '') > 123)
      throw new Error(`It closed with ${answer.closed}: ${answer.reason}`);
    throw new AppError('BAD_ARGUMENT', answer.reason ?? '');
  }
  if (answer.error === undefined) return;
  if (answer.error.message.includes('mistake in Winnow')) throw new Error(answer.error.message);
  throw new AppError(answer.error.code, answer.error.message);
}

/** Labels of every format that one file or zip can be of, read and placed as an import does. */
async function openLabels(folder: string): Promise<OpenTarget> {
  const path = join(folder, 'mutated');
  const seeds = [...Object.values(labelFiles()).map((text) => Buffer.from(text)), await labelZip()];
  const read = async (input: Uint8Array) => {
    writeFileSync(path, input);
    const [unpacked, database] = [join(folder, 'unpacked'), join(folder, 'labels.db')];
    for (const made of [unpacked, database]) rmSync(made, { recursive: true, force: true });
    const opened = await openSource(path, unpacked);
    const isTable = opened.files === undefined && !/^\s*[{<]/.test(opened.start);
    const { format, source } = await formatOf(opened, isTable ? 'csv' : undefined);
    const staging = new Staging(database);
    try {
      staging.begin();
      await format.read(source, staging, { purpose: 'run', columns: {}, onProgress: () => undefined });
      staging.finish();
      const classes = new ClassMap(staging.classes(), undefined, undefined);
      const purpose = { purpose: 'run', task: staging.found, minScore: 0, isTrial: false } as const;
      const resolver = new LabelResolver({
        staging,
        classes,
        finderClasses: finderClasses(staging),
        ...purpose,
      });
      for (const entry of staging.all())
        resolver.resolve({ ...entry, imageId: 1 }, { width: 100, height: 80 });
    } finally {
      staging.close();
    }
  };
  return { seeds, read };
}

function labelFiles(): Record<string, string> {
  const size = { width: 100, height: 80 };
  const polygon = [10, 10, 30, 10, 30, 30, 10, 30];
  return {
    coco: JSON.stringify({
      images: [{ id: 0, file_name: 'a.png', ...size }],
      annotations: [
        { id: 1, image_id: 0, category_id: 0, bbox: [1, 2, 3, 4], score: 0.5, segmentation: [polygon] },
        { id: 2, image_id: 0, category_id: 0, segmentation: { size: [80, 100], counts: [5, 10, 7985] } },
      ],
      categories: [{ id: 0, name: 'cat' }],
    }),
    megadetector: JSON.stringify({
      images: [
        {
          file: 'a.png',
          detections: [{ category: '1', conf: 0.5, bbox: [0, 0, 0.5, 0.5], classifications: [['0', 0.5]] }],
        },
        { file: 'b.png', failure: 'Failure image access', detections: null },
      ],
      detection_categories: { 1: 'animal' },
      classification_categories: { 0: 'fox' },
    }),
    labelme: JSON.stringify({
      imagePath: '..\\a.png',
      imageWidth: 100,
      imageHeight: 80,
      flags: { night: true },
      shapes: [
        {
          label: 'cat',
          points: [
            [1, 2],
            [30, 40],
          ],
          shape_type: 'rectangle',
        },
        {
          label: 'dog',
          points: [
            [1, 2],
            [30, 40],
            [5, 60],
          ],
          shape_type: 'polygon',
        },
        {
          label: 'sun',
          points: [
            [50, 20],
            [60, 20],
          ],
          shape_type: 'circle',
        },
      ],
    }),
    voc: '<annotation><filename>a.png</filename><size><width>100</width><height>80</height></size><object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object></annotation>',
    csv: 'file,label,score,xmin,ymin,xmax,ymax\r\na.png,"c, at",0.5,1,2,30,40\r\nb.png,,,,,,\r\n',
  };
}

async function labelZip(): Promise<Uint8Array> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from('names: [cat, dog]\n'), 'set/data.yaml');
  zip.addBuffer(Buffer.from('0 0.5 0.5 0.2 0.2\n1 0.1 0.1 0.5 0.1 0.5 0.5\n'), 'set/labels/a.txt');
  zip.end();
  return buffer(zip.outputStream);
}

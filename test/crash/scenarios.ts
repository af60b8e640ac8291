import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawFolder } from '../electron/support/pictures.ts';
import { drawShapes } from '../electron/support/shapes.ts';
import { countsOf, foundOf, rowsOf } from './world.ts';
import type { Tree, World } from './world.ts';

/** A command that is killed, and what must hold whenever it is. */
export interface Scenario {
  name: string;
  /** The state of the world that it starts from, as `prepareWorld` has saved it. */
  start: string;
  command: string[];
  /** What the command is for: equal after a kill and the commands that follow to what it is when nothing is killed. */
  facts: (world: World) => unknown;
  /** Throws when a kill has done harm that no command can mend. */
  assertSafe?: (world: World, start: string) => void;
  /** What a person does after the kill; without it the same command again. */
  goOn?: (world: World) => Promise<unknown>;
  /** Once the facts are right: what must lead back to the start. */
  takeBack?: (world: World) => Promise<void>;
}

const PICTURES = 6;
const CHECKPOINT = join(import.meta.dirname, '../golden/dyvm-vim-odd-random/checkpoint.pth');

const FINDER = join(import.meta.dirname, '../golden/vim-det-plain-random/checkpoint.pth');

/** A training of a second. */
const SMALLEST = [
  '--from',
  'scratch',
  '--size',
  'micro',
  '--width',
  '8',
  '--depth',
  '4',
  '--states',
  '2',
  '--batch',
  '8',
  '--patch-size',
  '4',
  '--threads',
  '1',
  '--epochs',
  '2',
  '--out',
  'taught',
];

/** Of each task: of labels, boxes with masks, or areas, the last two of a run that was read from a file. */
const TRAININGS = {
  train: (world: World) => ['train', world.at('shapes'), ...SMALLEST, '--image-size', '8'],
  'train --task detection': () => [
    'train',
    '--task',
    'detection',
    '--run',
    '1',
    ...SMALLEST,
    '--image-size',
    '32',
  ],
  'train --task segmentation': () => [
    'train',
    '--task',
    'segmentation',
    '--run',
    '2',
    ...SMALLEST,
    '--image-size',
    '32',
  ],
};

/** Makes and saves the states that commands start from. */
export async function prepareWorld(world: World): Promise<void> {
  mkdirSync(world.at('data'));
  mkdirSync(world.at('out'));
  cpSync(CHECKPOINT, world.at('checkpoint.pth'));
  await drawFolder(world.at('pictures'), PICTURES);
  await drawFolder(world.at('pictures', 'below'), 2); // names that are taken when they are sorted
  for (const name of ['cross', 'disc'] as const) await drawShapes(world.at('shapes'), name, 8);
  writeLabels(world);
  world.save('fresh');
  await world.must('models', 'import', FINDER, '--name', 'finder', '--directions', 'summed');
  world.save('finder');
  world.restore('fresh');
  const shown = ['--as', 'run', '--tool', 'another'];
  for (const task of ['detection', 'segmentation'])
    await world.must(...labels(world, 'masks.json', ...shown, '--task', task));
  world.save('marked');
  world.restore('fresh');
  await world.must(...run(world));
  world.save('run');
  await world.must('library', 'backup', world.at('older.db'));
  await world.must(...run(world), '--preset', 'fast');
  world.save('two runs');
  world.restore('run');
  await world.must('sort', '1', '--to', world.at('sorted'), '--move');
  world.save('moved');
}

export function scenarios(world: World): Scenario[] {
  const sorted = () => ({ pictures: world.tree('pictures'), sorted: world.tree('sorted'), ...rows(world) });
  const sort = (how: string): Scenario => ({
    name: `sort ${how}`,
    start: 'run',
    facts: sorted,
    takeBack: unsortAll,
    command: ['sort', '1', '--to', world.at('sorted'), how],
    assertSafe: assertEveryPicture,
  });
  return [
    {
      name: 'run',
      start: 'fresh',
      command: run(world),
      facts: () => ({ ...rows(world), pictures: world.tree('pictures') }),
    },
    sort('--copy'),
    sort('--move'),
    {
      name: 'unsort',
      start: 'moved',
      command: ['unsort', '1'],
      facts: sorted,
      goOn: unsortAll,
      assertSafe: assertEveryPicture,
    },
    ...Object.entries(TRAININGS).map(([name, command]) => ({
      name,
      start: name === 'train' ? 'fresh' : 'marked',
      command: command(world),
      facts: () => ({ model: world.digest('data', 'models', 'taught.safetensors') }),
      goOn: () => goOnTraining(world, command(world)),
    })),
    {
      name: 'models import',
      start: 'fresh',
      command: [
        'models',
        'import',
        world.at('checkpoint.pth'),
        '--name',
        'imported',
        '--token-keep',
        '0.7',
        '--pruning-layers',
        '1,2,4',
      ],
      facts: () => ({ model: world.digest('data', 'models', 'imported.safetensors') }),
    },
    ...['csv', 'json', 'xlsx'].map((format) => ({
      name: `export ${format}`,
      start: 'run',
      command: ['export', '1', '--format', format, '--out', world.at('out', `table.${format}`)],
      // A workbook holds the time at which it was written.
      facts: () => ({
        table:
          format === 'xlsx'
            ? existsSync(world.at('out', 'table.xlsx'))
            : world.digest('out', `table.${format}`),
        ...rows(world),
      }),
    })),
    {
      name: 'run --find',
      start: 'finder',
      command: [...run(world), ...FIND],
      facts: () => ({ ...rows(world), ...foundOf(world.library) }),
    },
    {
      name: 'labels import --as run',
      start: 'run',
      command: labels(world, 'boxes.json', '--as', 'run', '--tool', 'another'),
      facts: () => ({ ...rows(world), ...foundOf(world.library) }),
      assertSafe: assertAllOrNothing,
      goOn: goOnImporting,
    },
    {
      name: 'labels import --as reviews',
      start: 'run',
      command: labels(world, 'labels.csv', '--as', 'reviews', '--by', 'Ada'),
      facts: () => ({ ...rows(world), ...foundOf(world.library) }),
      assertSafe: assertAllOrNothing,
    },
    {
      name: 'library backup',
      start: 'two runs',
      command: ['library', 'backup', world.at('out', 'copy.db')],
      facts: () => ({ ...rows(world), copy: rowsOf(world.at('out', 'copy.db')) }),
    },
    {
      name: 'library restore',
      start: 'two runs',
      command: ['library', 'restore', world.at('older.db')],
      facts: () => ({ ...rows(world), older: rowsOf(world.at('older.db')), present: kept(world) }),
      assertSafe: assertOneLibrary,
    },
  ];
}

const run = (world: World) => ['run', world.at('pictures'), '--threads', '1', '--batch', '3'];

/** How a run finds first, with few and small crops. */
const FIND = [
  '--find',
  'finder',
  '--find-above',
  '0.1',
  '--pass',
  'none',
  '--max-detections',
  '2',
  '--input-size',
  '64',
];

/** Of the pictures those that labels are about. */
const NAMES = ['000.jpg', '001.jpg', '003.jpg', 'below/000.jpg'];

/** What another tool found in pictures, with a classifier's word, and what somebody says of them. */
function writeLabels(world: World): void {
  const detections = [
    { category: '1', conf: 0.8, bbox: [0.1, 0.1, 0.5, 0.5], classifications: [['4', 0.7]] },
    { category: '2', conf: 0.6, bbox: [0.5, 0.4, 0.2, 0.3] },
  ];
  const found = {
    images: NAMES.map((file, index) => ({ file, detections: detections.slice(0, index) })),
    detection_categories: { 1: 'animal', 2: 'person' },
    classification_categories: { 4: 'fox' },
  };
  writeFileSync(world.at('boxes.json'), JSON.stringify(found));
  const corners = (x: number, side: number) => [x, 2, x + side, 2, x + side, 2 + side, x, 2 + side];
  const annotations = NAMES.flatMap((_, index) =>
    [1, 2].map((category) => ({
      id: 2 * index + category,
      image_id: index + 1,
      category_id: category,
      iscrowd: 0,
      segmentation: [corners(category === 1 ? 1 : 15, 6 + index)],
    })),
  );
  const marked = {
    images: NAMES.map((file, index) => ({ id: index + 1, file_name: file })),
    categories: ['fox', 'tree'].map((name, index) => ({ id: index + 1, name })),
    annotations,
  };
  writeFileSync(world.at('masks.json'), JSON.stringify(marked));
  writeFileSync(world.at('labels.csv'), ['file,label', ...NAMES.map((name) => `${name},frog`)].join('\n'));
}

const labels = (world: World, file: string, ...how: string[]) => [
  'labels',
  'import',
  world.at(file),
  '--folder',
  world.at('pictures'),
  ...how,
];

const rows = (world: World) => ({ rows: rowsOf(world.library) });

/** Whether what was the library before a restore is among the backups. */
function kept(world: World): boolean {
  const folder = world.at('data', 'backups');
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.db')) : [];
  return files.some((name) => rowsOf(join(folder, name)).length === 2 * (PICTURES + 2));
}

/** The library is the one before the restore or the one that was restored, each whole. */
function assertOneLibrary(world: World): void {
  assert.ok(existsSync(world.library), 'the library is not there');
  const count = rowsOf(world.library).length / (PICTURES + 2);
  assert.ok(count === 1 || count === 2, `the library has ${count} runs`);
}

/** The run that was there before labels were read is there, and of the labels all or nothing that anybody sees. */
function assertAllOrNothing(world: World): void {
  const { results, reviews } = countsOf(world.library);
  const [own, ...read] = results;
  assert.equal(own, PICTURES + 2, 'the run that was there is not');
  assert.ok(
    read.every((count) => count === NAMES.length),
    `${read.join()} results are in runs that were read`,
  );
  assert.ok(reviews === 0 || reviews === NAMES.length, `${reviews} reviews are there`);
}

/** Every picture is somewhere, whole, under a name of its own. */
function assertEveryPicture(world: World): void {
  const contents = (tree: Tree) =>
    Object.entries(tree)
      .filter(([path, content]) => !path.endsWith('.partial') && content !== 'a folder')
      .map(([, content]) => content);
  const seen = new Set([...contents(world.tree('pictures')), ...contents(world.tree('sorted'))]);
  assert.deepEqual(seen, new Set(contents(world.savedTree('fresh', 'pictures'))));
}

/** Takes back every sorting that is listed. */
async function unsortAll(world: World): Promise<void> {
  const list = await world.must('unsort');
  for (const [, number = ''] of list.matchAll(/^(\d+) /gm)) await world.must('unsort', number);
}

/** Reads labels in when there is no run of them; then looks at them again, which the run that is there does not mind. */
async function goOnImporting(world: World): Promise<void> {
  const command = labels(world, 'boxes.json', '--as', 'run', '--tool', 'another');
  const list = await world.must('runs');
  if (!/^2 +done /m.test(list)) await world.must(...command);
  await world.must(...command, '--dry-run');
}

/** Goes on with a training that is listed, or starts it when there is none. */
async function goOnTraining(world: World, command: readonly string[]): Promise<void> {
  const list = await world.must('trainings');
  const [, state] = /^1 +taught .* (done|paused|running|failed) /m.exec(list) ?? [];
  if (state === undefined) await world.must(...command);
  else if (state !== 'done') await world.must('train', '--resume', '1');
  if (existsSync(world.library)) await world.must('library', 'check'); // closes it as whoever writes into it does
}

import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { drawFolder } from '../electron/support/pictures.ts';
import { drawShapes } from '../electron/support/shapes.ts';
import { rowsOf } from './world.ts';
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
  '--image-size',
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

/** Makes and saves the states that commands start from. */
export async function prepareWorld(world: World): Promise<void> {
  mkdirSync(world.at('data'));
  mkdirSync(world.at('out'));
  cpSync(CHECKPOINT, world.at('checkpoint.pth'));
  await drawFolder(world.at('pictures'), PICTURES);
  await drawFolder(world.at('pictures', 'below'), 2); // names that are taken when they are sorted
  for (const name of ['cross', 'disc'] as const) await drawShapes(world.at('shapes'), name, 8);
  world.save('fresh');
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
    {
      name: 'train',
      start: 'fresh',
      command: ['train', world.at('shapes'), ...SMALLEST],
      facts: () => ({ model: world.digest('data', 'models', 'taught.safetensors') }),
      goOn: goOnTraining,
    },
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

/** Goes on with a training that is listed, or starts it when there is none. */
async function goOnTraining(world: World): Promise<void> {
  const list = await world.must('trainings');
  const [, state] = /^1 +taught .* (done|paused|running|failed) /m.exec(list) ?? [];
  if (state === 'done') return;
  if (state === undefined) await world.must('train', world.at('shapes'), ...SMALLEST);
  else await world.must('train', '--resume', '1');
}

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { start, winnow } from '../support/command-line.ts';
import { draw } from '../support/pictures.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('winnow labels import says what would come in, takes it in, and refuses what does not go together', async (t) => {
  const root = temporaryFolder(t);
  const folder = join(root, 'pictures');
  mkdirSync(join(folder, 'cam'), { recursive: true });
  for (const name of ['1', '2'])
    writeFileSync(join(folder, 'cam', `${name}.png`), await draw(100, 80, 1).png().toBuffer());
  const file = join(root, 'md.json');
  const detections = [{ category: '1', conf: 0.8, bbox: [0.9, 0.1, 0.2, 0.2] }];
  writeFileSync(
    file,
    JSON.stringify({
      images: [
        { file: 'D:\\old\\cam\\1.png', detections },
        { file: 'cam\\9.png', detections: [] },
      ],
      detection_categories: { 1: 'animal' },
    }),
  );
  const labels = (...args: string[]) => winnow(root, 'labels', 'import', file, '--folder', folder, ...args);
  const dry = await labels('--as', 'run', '--tool', 'MegaDetector', '--map', 'animal=fox', '--dry-run');
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(dry.stdout, /^format +megadetector, detection\nabout +2 images\n/);
  assert.match(dry.stdout, /found +1 by the ends of their paths: D:\\old\\cam\\1\.png is cam\/1\.png\n/);
  assert.match(dry.stdout, /comes in +1 image: 1 box\n/);
  assert.match(dry.stdout, /animal +fox +0 +1\n/);
  assert.match(dry.stdout, /\nIN THE FILE +CLASS +BECOMES +LABELS +BOXES\n1 +animal /);
  assert.match(dry.stdout, /\n1 image not in the folder:\n {2}cam\\9\.png\n/);
  assert.match(
    dry.stdout,
    /1 with a box that reached out of its picture and was cut \(taken with a change\), such as D:\\old/,
  );
  assert.match(dry.stdout, /Nothing was changed: this was a dry run\.\n$/);
  assert.match((await winnow(root, 'runs')).stdout, /There are no runs yet/);
  const taken = await labels('--as', 'run', '--tool', 'MegaDetector');
  assert.match(taken.stdout, /\nRun 1 has the results of MegaDetector; `winnow show 1` tells of it\.\n$/);
  assert.match(
    (await winnow(root, 'show', '1')).stdout,
    /tool +MegaDetector\nread from +.*md\.json \(megadetector\)\n/,
  );
  const reviews = await labels('--as', 'reviews', '--by', 'Ada', '--run', '1');
  assert.match(reviews.stdout, /\n1 image reviewed by Ada beside run 1\.\n$/);
  const again = await labels('--as', 'reviews', '--by', 'Ada');
  assert.match(again.stdout, /\n0 images reviewed by Ada beside run 1, 1 were there already\.\n$/);
  const classifications = [
    ['1', 0.7],
    ['2', 0.2],
  ];
  const several = join(root, 'several.json');
  const one = {
    file: 'cam/1.png',
    detections: [{ category: '1', conf: 0.8, bbox: [0, 0, 0.2, 0.2], classifications }],
  };
  const kinds = { 1: 'fox', 2: 'hare' };
  writeFileSync(
    several,
    JSON.stringify({
      images: [one],
      detection_categories: { 1: 'animal' },
      classification_categories: kinds,
    }),
  );
  for (const more of [['--dry-run'], []]) {
    const told = await winnow(
      root,
      'labels',
      'import',
      several,
      '--folder',
      folder,
      '--as',
      'run',
      '--tool',
      'two',
      ...more,
    );
    assert.match(
      told.stdout,
      /1 that a second model gave several classes, of which only the best is kept, as the label \(taken with a change\), such as cam\/1\.png, detection 1\n/,
    );
  }
  for (const [args, message] of [
    [['--as', 'run'], /A run needs --tool/],
    [['--as', 'reviews'], /Reviews need --by/],
    [['--as', 'run', '--tool', 'a', '--replace'], /--by, --run and --replace go with --as reviews/],
    [['--as', 'run', '--tool', 'a', '--task', 'segmentation'], /Expected masks in .*, but it has none/],
    [['--as', 'run', '--tool', 'a', '--format', 'coco'], /but it is about no image\./],
  ] as [string[], RegExp][]) {
    const { code, stderr } = await labels(...args);
    assert.notEqual(code, 0);
    assert.match(stderr, message);
  }
});

test('Ctrl-C ends winnow labels import, of which nothing is left then', async (t) => {
  const root = temporaryFolder(t);
  const folder = join(root, 'pictures');
  mkdirSync(folder);
  writeFileSync(join(folder, 'a.png'), await draw(10, 8, 1).png().toBuffer());
  const file = join(root, 'long.csv');
  const rows = Array.from({ length: 400_000 }, (_, index) => `elsewhere/${index}.png,fox`);
  writeFileSync(file, ['file,label', 'a.png,fox', ...rows].join('\n'));
  const { child, ended } = start(
    root,
    'labels',
    'import',
    file,
    '--folder',
    folder,
    '--as',
    'run',
    '--tool',
    'T',
  );
  const partial = () => readdirSync(root).filter((name) => name.endsWith('.partial'));
  const isUnderWay = () => partial().some((name) => existsSync(join(root, name, 'labels.db')));
  while (!isUnderWay() && child.exitCode === null) await wait(5);
  child.kill('SIGINT');
  const { code, stdout, stderr } = await ended;
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /Stopping; press Ctrl-C again[^]*nothing has come in\.\n$/);
  assert.deepEqual(partial(), []);
  assert.match((await winnow(root, 'runs')).stdout, /There are no runs yet/);
});

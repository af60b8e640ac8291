import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { winnow } from '../support/command-line.ts';
import { everyday10 } from '../support/models.ts';
import { drawFolder } from '../support/pictures.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { readCsv } from '../support/csv.ts';

/** More than Windows' plain paths can have, of parts that each are a name anywhere. */
const deep = (root: string) => join(root, ...['a', 'b', 'c', 'd'].map((letter) => letter.repeat(80)));

test('pictures, a model, a table and sorted copies may have paths of more than 260 characters', async (t) => {
  const root = temporaryFolder(t);
  const pictures = join(deep(join(root, 'pictures')), 'of today');
  await drawFolder(pictures, 3);
  const model = join(deep(join(root, 'models')), 'mine.safetensors');
  mkdirSync(dirname(model), { recursive: true });
  copyFileSync(everyday10, model);
  const csv = join(deep(join(root, 'out')), 'table.csv');
  mkdirSync(dirname(csv), { recursive: true });
  const ran = await winnow(root, 'run', join(root, 'pictures'), '--model', model, '--csv', csv);
  assert.equal(ran.code, 0, ran.stderr);
  const rows = readCsv(csv, { bom: true });
  assert.deepEqual(
    rows.map((row) => [row['absolute_path'], row['status'], row['folder_5']]),
    [0, 1, 2].map((index) => [join(pictures, `00${index}.jpg`), 'ok', 'of today']),
  );

  const sorted = deep(join(root, 'sorted'));
  mkdirSync(sorted, { recursive: true });
  const sort = await winnow(root, 'sort', '1', '--to', sorted, '--copy');
  assert.equal(sort.code, 0, sort.stderr);
  const placed = readdirSync(sorted, { recursive: true, encoding: 'utf8' });
  assert.equal(placed.filter((path) => path.endsWith('.jpg')).length, 3);
  assert.equal((await winnow(root, 'unsort', '1')).code, 0);
  assert.ok(readdirSync(sorted).length === 0 && existsSync(join(pictures, '000.jpg')));
});

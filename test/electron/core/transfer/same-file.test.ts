import assert from 'node:assert/strict';
import { linkSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { compareFiles, isUnchanged } from '../../../../electron/core/transfer/same-file.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const NOON = 1_700_000_000; // seconds

/** Two files, both of noon. */
function twoFiles(t: TestContext, left: string | Buffer, right: string | Buffer) {
  const folder = temporaryFolder(t);
  const [one, other] = [join(folder, 'one'), join(folder, 'other')];
  writeFileSync(one, left);
  writeFileSync(other, right);
  for (const path of [one, other]) utimesSync(path, NOON, NOON);
  return { folder, one, other };
}

suite('two files', () => {
  test('with the same bytes and time are copies, however long they are', async (t) => {
    const long = Buffer.alloc(2 * 1024 ** 2 + 5, 'abc');
    for (const content of ['', 'content', long]) {
      const { one, other } = twoFiles(t, content, content);
      assert.equal(await compareFiles(one, other), 'copies');
    }
  });

  test('that differ in one byte are different, wherever that is', async (t) => {
    const size = 2 * 1024 ** 2 + 5;
    for (const offset of [0, 1024 ** 2 - 1, 1024 ** 2, size - 1]) {
      const changed = Buffer.alloc(size, 'abc');
      changed[offset] = 1 ^ (changed[offset] ?? 0);
      const { one, other } = twoFiles(t, Buffer.alloc(size, 'abc'), changed);
      assert.equal(await compareFiles(one, other), 'different', `byte ${offset}`);
    }
  });

  test('are different by their sizes, and by times more than two seconds apart', async (t) => {
    const { one, other } = twoFiles(t, 'content', 'content and more');
    assert.equal(await compareFiles(one, other), 'different');
    writeFileSync(other, 'content');
    for (const [seconds, expected] of [
      [-2, 'copies'],
      [2, 'copies'],
      [-3, 'different'],
      [3, 'different'],
    ] as const) {
      utimesSync(other, NOON + seconds, NOON + seconds);
      assert.equal(await compareFiles(one, other), expected, `${seconds} s`);
    }
  });

  test('may be one: by two names, of which one may go, or by two ways to one name', async (t) => {
    const { folder, one, other } = twoFiles(t, 'content', 'content');
    assert.equal(await compareFiles(one, one), 'path');
    linkSync(one, join(folder, 'name'));
    assert.equal(await compareFiles(one, join(folder, 'name')), 'names');
    assert.equal(await compareFiles(other, join(folder, 'name')), 'copies');
  });

  test('are not compared through links, nor are folders', async (t) => {
    const { folder, one } = twoFiles(t, 'content', 'content');
    symlinkSync(one, join(folder, 'link'));
    assert.equal(await compareFiles(one, join(folder, 'link')), 'different');
    assert.equal(await compareFiles(join(folder, 'link'), one), 'different');
    assert.equal(await compareFiles(folder, folder), 'different');
  });
});

test('a file is as it was when size and time are, the time within two seconds', () => {
  const was = { fileSize: 10, modifiedMs: 50_000 };
  for (const mtimeMs of [48_000, 50_000, 52_000]) assert.ok(isUnchanged({ size: 10, mtimeMs }, was));
  for (const mtimeMs of [47_999, 52_001]) assert.ok(!isUnchanged({ size: 10, mtimeMs }, was));
  assert.ok(!isUnchanged({ size: 11, mtimeMs: 50_000 }, was));
});

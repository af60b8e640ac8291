import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../../build/setup.mjs';

function setUp(...args: string[]): { status: number | null; stdout: string } {
  return spawnSync(process.execPath, [path.join(root, 'build/setup.mjs'), ...args], { encoding: 'utf8' });
}

test('a second setup finds nothing to do', () => {
  setUp();
  const second = setUp();
  assert.equal(second.status, 0);
  assert.equal(second.stdout, 'Setup: nothing to do\n');
});

test('a quiet setup with nothing to do says nothing', () => {
  setUp();
  assert.equal(setUp('--quiet').stdout, '');
});

test('outside Debian, setup says what to install and stops', () => {
  const { status, stderr } = spawnSync(process.execPath, [path.join(root, 'build/setup.mjs')], {
    encoding: 'utf8',
    env: { PATH: '/nowhere' },
  });
  assert.equal(status, 1);
  assert.match(stderr, /^ {2}sudo apt-get install cmake /m);
});

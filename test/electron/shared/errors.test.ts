import assert from 'node:assert/strict';
import { lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AppError, codeOf, hasCode, isMissing } from '../../../electron/shared/errors.ts';

const here = fileURLToPath(import.meta.url);

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return assert.fail('nothing was thrown');
}

test('an error of the system has its code, and is missing for a path that names nothing, also below a file', () => {
  const errors = [
    thrownBy(() => lstatSync(join(here, '..', 'nowhere'))),
    thrownBy(() => lstatSync(`${here}/below-a-file`)),
    thrownBy(() => {
      mkdirSync(here);
    }),
  ];
  assert.deepEqual(errors.map(codeOf), [
    'ENOENT',
    process.platform === 'win32' ? 'ENOENT' : 'ENOTDIR',
    'EEXIST',
  ]);
  assert.deepEqual(errors.map(isMissing), [true, true, false]);
});

test('an AppError has its code, and what is no error or has no string for one has none', () => {
  assert.equal(codeOf(new AppError('NOT_FOUND', 'There is no run 1')), 'NOT_FOUND');
  for (const other of [
    new Error('x'),
    { code: 'ENOENT' },
    undefined,
    Object.assign(new Error('x'), { code: 1 }),
  ])
    assert.deepEqual([hasCode(other), codeOf(other), isMissing(other)], [false, undefined, false]);
});

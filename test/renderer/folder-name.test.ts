import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folderName } from '../../renderer/lib/text/folder-name.ts';

test('a folder is called by the last part of its path, on Windows, too; a drive or root by all of it', () => {
  const names = {
    '/data/moths': 'moths',
    '/data/moths/': 'moths',
    'C:\\Pictures\\Moths 2024': 'Moths 2024',
    'D:\\': 'D:',
    '\\\\server\\share': 'share',
    '\\\\server\\share\\': 'share',
    '/': '/',
  };
  assert.deepEqual(Object.keys(names).map(folderName), Object.values(names));
});

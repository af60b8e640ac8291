import assert from 'node:assert/strict';
import { win32 } from 'node:path';
import { test } from 'node:test';
import { isInside } from '../../../../electron/core/files/inside.ts';

test('a path lies below a folder, not below one whose name only begins alike', () => {
  assert.ok(isInside('/pictures/a/1.jpg', '/pictures', '/'));
  assert.ok(isInside('/pictures', '/', '/'));
  assert.ok(!isInside('/pictures 2/1.jpg', '/pictures', '/'));
  assert.ok(!isInside('/pictures', '/pictures', '/'));
});

test('drives and shares of Windows are folders like others', () => {
  const below = (path: string, folder: string) =>
    isInside(win32.resolve(path), win32.resolve(folder), win32.sep);
  assert.ok(below('D:\\1.jpg', 'D:\\'));
  assert.ok(below('D:\\DCIM\\100\\1.jpg', 'D:/DCIM/'));
  assert.ok(!below('D:\\DCIM 2\\1.jpg', 'D:\\DCIM'));
  assert.ok(!below('C:\\DCIM\\1.jpg', 'D:\\DCIM'));
  assert.ok(below('\\\\server\\share\\a\\1.jpg', '\\\\server\\share'));
  assert.ok(!below('\\\\server\\share2\\1.jpg', '\\\\server\\share'));
  assert.ok(!below('\\\\server2\\share\\1.jpg', '\\\\server\\share'));
});

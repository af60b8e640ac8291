import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { scanFolder } from '../../../../electron/core/files/scan-folder.ts';
import type { UnreadableFolder } from '../../../../electron/core/files/scan-folder.ts';
import type { FoundFile } from '../../../../electron/core/files/scan-folder.ts';
import { writeFiles } from '../../support/files.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

async function scan(
  root: string,
): Promise<{ files: FoundFile[]; paths: string[]; unreadable: UnreadableFolder[]; unread: string[] }> {
  const files: FoundFile[] = [];
  const unreadable: UnreadableFolder[] = [];
  const unread: string[] = [];
  const all = scanFolder(
    root,
    (folder) => unreadable.push(folder),
    (kind) => unread.push(kind),
  );
  for await (const some of all) files.push(...some);
  return {
    unread: unread.sort(),
    files,
    paths: files.map(({ relativePath }) => relativePath).sort(),
    unreadable,
  };
}

const onWindows = process.platform === 'win32' && 'needs file names and links that Windows does not have';

suite('scanFolder', () => {
  test('tells the kinds of the files that it passes over, and reads every format', async (t) => {
    const root = temporaryFolder(t);
    const read = ['a.mpo', 'b.jpe', 'c.JFIF', 'd.jxl', 'e.jp2', 'f.bmp', 'g.j2k'];
    const passed = ['a.psd', 'b.PSD', 'x/c.svg', 'x/README', 'd.mp4', '.hidden', 'Thumbs.db'];
    writeFiles(root, Object.fromEntries([...read, ...passed].map((name) => [name, 'x'])));
    const { paths, unread } = await scan(root);
    assert.deepEqual(paths, read);
    assert.deepEqual(unread, ['', '.mp4', '.psd', '.psd', '.svg']);
  });

  test('tells the kind of a linked file', { skip: onWindows }, async (t) => {
    const [root, elsewhere] = [temporaryFolder(t), temporaryFolder(t)];
    writeFiles(elsewhere, { 'a.txt': 'x' });
    symlinkSync(join(elsewhere, 'a.txt'), join(root, 'b.doc'));
    assert.deepEqual((await scan(root)).unread, ['.doc']);
  });

  test('finds images in all sub-folders by extension, in any case', async (t) => {
    const root = temporaryFolder(t);
    const names = [
      'a.jpg',
      'b.JPEG',
      'c.Png',
      'd.webp',
      'e.tif',
      'f.TIFF',
      'g.avif',
      'h.gif',
      'x/y/z/deep.jpg',
    ];
    writeFiles(
      root,
      Object.fromEntries([...names, 'notes.txt', 'jpg', 'a.jpg.part'].map((name) => [name, 'x'])),
    );
    assert.deepEqual((await scan(root)).paths, names.sort());
  });

  test('tells size and time of each file', async (t) => {
    const root = temporaryFolder(t);
    writeFiles(root, { 'a.jpg': 'twelve bytes' });
    const [file] = (await scan(root)).files;
    assert.equal(file?.fileSize, 12);
    assert.ok(Number.isInteger(file.modifiedMs) && Math.abs(file.modifiedMs - Date.now()) < 60_000);
  });

  test('passes over hidden and junk files and folders', async (t) => {
    const root = temporaryFolder(t);
    const junk = [
      '.hidden.jpg',
      '._a.jpg',
      '.git/a.jpg',
      '__MACOSX/a.jpg',
      '@eaDir/a.jpg',
      '$RECYCLE.BIN/a.jpg',
    ];
    const more = ['System Volume Information/a.jpg', 'sub/.thumbnails/a.jpg', 'Thumbs.db', 'desktop.ini'];
    writeFiles(root, Object.fromEntries([...junk, ...more, 'fine.jpg'].map((name) => [name, 'x'])));
    assert.deepEqual((await scan(root)).paths, ['fine.jpg']);
  });

  test('takes a folder that is named like a picture for a folder', async (t) => {
    const root = temporaryFolder(t);
    writeFiles(root, { 'folder.jpg/readme.txt': 'x', 'folder.jpg/in.png': 'x' });
    assert.deepEqual((await scan(root)).paths, ['folder.jpg/in.png']);
  });

  test('keeps odd names as they are', { skip: onWindows }, async (t) => {
    const root = temporaryFolder(t);
    const names = [
      'a b.jpg',
      'a\nb.jpg',
      '"quoted".jpg',
      "it's.jpg",
      '=1+1.jpg',
      '-rf.jpg',
      '🌾.jpg',
      'a\\b.jpg',
      ' .jpg',
    ];
    writeFiles(root, Object.fromEntries(names.map((name) => [`in ${name}/${name}`, 'x'])));
    assert.deepEqual((await scan(root)).paths, names.map((name) => `in ${name}/${name}`).sort());
  });

  test('finds every file of a large folder once', async (t) => {
    const root = temporaryFolder(t);
    const names = Array.from({ length: 3000 }, (_, index) => `${index}.jpg`);
    writeFiles(root, Object.fromEntries(names.map((name) => [name, ''])));
    assert.deepEqual((await scan(root)).paths, names.sort());
  });

  test('follows links, survives loops, and enters a folder once', { skip: onWindows }, async (t) => {
    const [root, outside] = [temporaryFolder(t), temporaryFolder(t)];
    writeFiles(root, { 'real/a.jpg': 'x', 'real/below/b.jpg': 'x' });
    writeFiles(outside, { 'c.jpg': 'x', 'd.jpg': 'x' });
    symlinkSync(root, join(root, 'real/below/loop'));
    symlinkSync('real', join(root, 'again'));
    symlinkSync(outside, join(root, 'outside'));
    symlinkSync(outside, join(outside, 'itself'));
    symlinkSync(join(outside, 'd.jpg'), join(root, 'link.jpg'));
    const { paths, unreadable } = await scan(root);
    assert.deepEqual(paths, ['link.jpg', 'outside/c.jpg', 'outside/d.jpg', 'real/a.jpg', 'real/below/b.jpg']);
    assert.deepEqual(unreadable, []);
  });

  test('lists broken links, so that they fail with a reason', { skip: onWindows }, async (t) => {
    const root = temporaryFolder(t);
    symlinkSync('nowhere', join(root, 'broken.jpg'));
    symlinkSync('nowhere', join(root, 'broken'));
    symlinkSync('self.jpg', join(root, 'self.jpg'));
    assert.deepEqual((await scan(root)).paths, ['broken.jpg', 'self.jpg']);
  });

  const onlyLinux = process.platform !== 'linux' && 'needs file names that are no UTF-8';
  test('lists names that are no UTF-8, so that they fail with a reason', { skip: onlyLinux }, async (t) => {
    const root = temporaryFolder(t);
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff]), Buffer.from('.jpg')]), 'x');
    assert.deepEqual((await scan(root)).paths, ['\ufffd.jpg']);
  });

  test('never opens pipes and sockets', { skip: onWindows }, async (t) => {
    const root = temporaryFolder(t);
    assert.equal(spawnSync('mkfifo', [join(root, 'pipe.jpg')]).status, 0);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(root, 'socket.jpg'), resolve));
    t.after(() => server.close());
    symlinkSync('pipe.jpg', join(root, 'link.jpg'));
    writeFiles(root, { 'fine.jpg': 'x' });
    assert.deepEqual((await scan(root)).paths, ['fine.jpg']);
  });

  test('reports a sub-folder that cannot be read and goes on', async (t) => {
    const root = temporaryFolder(t);
    writeFiles(root, { 'closed/a.jpg': 'x', 'open/b.jpg': 'x' });
    const found: string[] = [];
    const unreadable: string[] = [];
    const scanning = scanFolder(root, ({ relativePath }) => unreadable.push(relativePath));
    await scanning.next(); // the root itself: both sub-folders are known now
    // Permissions do not bind root, so that the folder goes away; it fails in the same place.
    rmSync(join(root, 'closed'), { recursive: true });
    for await (const files of scanning) found.push(...files.map(({ relativePath }) => relativePath));
    assert.deepEqual([found, unreadable], [['open/b.jpg'], ['closed']]);
  });
});

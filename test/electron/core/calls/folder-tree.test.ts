import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { FolderPlace, ResultFilter } from '../../../../electron/shared/api/results.ts';
import { writeFiles } from '../../support/files.ts';
import { testApp } from '../../support/test-app.ts';

const FILES = [
  'top.jpg',
  'station 2/a.jpg',
  'station 2/2024/b.jpg',
  'station 2/2024/c.jpg',
  'station 2/2025/d.jpg',
  'station 10/e.jpg',
  'station 20/f.jpg',
  'station 2-old/g.jpg',
];

/** An app that has run on a folder with stations, of which each picture has the file's number as its class. */
async function stations(t: TestContext, more: string[] = []) {
  const home = testApp(t);
  writeFiles(home.folder, Object.fromEntries(FILES.map((name) => [name, name])));
  const other = join(home.folder, '../more pictures');
  mkdirSync(other);
  writeFiles(other, Object.fromEntries(more.map((name) => [name, name])));
  const folders = more.length === 0 ? [home.folder] : [home.folder, other];
  const { id: runId } = await home.app.run({ folders });
  const listed = await home.app.listFolders({});
  const idOf = (path: string) => listed.find((folder) => folder.path === path)?.id ?? 0;
  const rows = async (filter: ResultFilter, ...open: FolderPlace[]) =>
    (await home.app.resultFacets({ runId, filter, open })).folders.map(
      ({ depth, name, images, isOpen, hasFolders }) => {
        return `${'  '.repeat(depth)}${hasFolders ? (isOpen ? '-' : '+') : ' '} ${name} ${images}`;
      },
    );
  const paths = async (filter: ResultFilter) => {
    const { imageIds } = await home.app.findImages({ runId, filter, sort: 'path' });
    return (await home.app.resultItems({ runId, imageIds: [...imageIds] })).map((item) => item.relativePath);
  };
  return { ...home, runId, folderId: idOf(home.folder), otherId: idOf(other), rows, paths };
}

suite('the tree of folders', () => {
  test('has a count at every depth, in the order of numbers', async (t) => {
    const { rows, folderId } = await stations(t);
    assert.deepEqual(await rows({}), [
      '- pictures 8',
      '  + station 2 4',
      '    station 2-old 1',
      '    station 10 1',
      '    station 20 1',
    ]);
    assert.deepEqual((await rows({}, { folderId, path: 'station 2' })).slice(1, 4), [
      '  - station 2 4',
      '      2024 2',
      '      2025 1',
    ]);
  });

  test('counts with the other filters on and its own off, and opens the way to its own', async (t) => {
    const { app, rows, runId, paths, folderId } = await stations(t);
    const shown = await rows({ folderId, folder: 'station 2/2024' });
    assert.deepEqual(shown.slice(0, 4), ['- pictures 8', '  - station 2 4', '      2024 2', '      2025 1']);
    assert.deepEqual(await rows({ text: '2024' }), ['- pictures 2', '  + station 2 2']);
    const nothing = await rows({ folderId, folder: 'station 10', text: '2024' });
    assert.deepEqual(nothing, ['- pictures 2', '  + station 2 2', '    station 10 0']);
    const facets = await app.resultFacets({ runId, filter: { folder: 'station 2' } });
    assert.deepEqual([facets.total, facets.status.ok], [4, 4]); // other facets count in it
    assert.deepEqual(await paths({ folder: 'station 2' }), [
      'station 2/2024/b.jpg',
      'station 2/2024/c.jpg',
      'station 2/2025/d.jpg',
      'station 2/a.jpg',
    ]);
    assert.deepEqual(await paths({ folder: 'station 2/2025' }), ['station 2/2025/d.jpg']);
    assert.deepEqual(await paths({ folder: 'station' }), []); // a folder, not the start of a name
    assert.deepEqual((await paths({ folder: '' })).length, 8);
  });

  test('of several folders starts with those', async (t) => {
    const { rows, paths, otherId } = await stations(t, ['station 2/x.jpg', 'y.jpg']);
    assert.deepEqual(await rows({}), ['+ more pictures 2', '+ pictures 8']);
    assert.deepEqual(await rows({}, { folderId: otherId, path: '' }), [
      '- more pictures 2',
      '    station 2 1',
      '+ pictures 8',
    ]);
    assert.deepEqual(await paths({ folderId: otherId, folder: 'station 2' }), ['station 2/x.jpg']);
    assert.equal((await paths({ folder: 'station 2' })).length, 5);
  });

  test('knows what came and went between two scans', async (t) => {
    const { app, folder, rows } = await stations(t);
    writeFiles(folder, { 'station 30/deep/er/h.jpg': 'h' });
    await app.run({ folders: [folder] });
    assert.deepEqual((await rows({})).at(-1), '  + station 30 1');
  });

  test('refuses what is no folder below a folder', async (t) => {
    const { app, runId } = await stations(t);
    for (const folder of ['/station', 'station/'])
      await assert.rejects(app.resultFacets({ runId, filter: { folder } }), {
        code: 'BAD_ARGUMENT',
        message: /must not start or end with \//,
      });
  });
});

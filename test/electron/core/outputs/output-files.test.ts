import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { writeFiles } from '../../support/files.ts';
import { testApp } from '../../support/test-app.ts';
import type { Session } from '../../support/test-app.ts';
import { everyday10, sampleImages } from '../../support/models.ts';

const onWindows = process.platform === 'win32' && 'needs pipes and links, which Windows has not for everyone';

/** A run that is done, and the folder that its library lies in. */
async function done(t: TestContext): Promise<Session & { folder: string; root: string }> {
  const place = testApp(t, 2);
  await place.app.run({ folders: [place.folder] });
  return { ...place, root: dirname(place.libraryPath) };
}

const EXISTS = { code: 'FILE_EXISTS', message: /^There is a file .* already, so nothing was written$/ };
const refused = (message: RegExp) => ({ code: 'BAD_ARGUMENT', message });

/** Every writer of a file that a person names, by what it is called. */
function writers({ app, folder }: { app: Session['app']; folder: string }) {
  const written = (format: 'csv' | 'json' | 'xlsx' | 'coco') => (out: string, force: boolean) =>
    app.exportRun({ runId: 1, format, out, force });
  return {
    csv: written('csv'),
    json: written('json'),
    xlsx: written('xlsx'),
    backup: (out: string, force: boolean) => app.backUpLibrary({ out, force }),
    confusion: (confusion: string, force: boolean) => app.evaluate({ folder, confusion, force }),
  };
}

suite('a file that is written', () => {
  test('replaces another only when the person says so, whoever writes it', async (t) => {
    const place = await done(t);
    writeFiles(place.folder, { 'cat/1.jpg': 'x', 'dog/1.jpg': 'x' });
    for (const [name, write] of Object.entries(writers(place))) {
      const out = join(place.root, `mine.${name}`);
      writeFileSync(out, 'mine');
      await assert.rejects(write(out, false), EXISTS);
      assert.equal(readFileSync(out, 'utf8'), 'mine');
      await write(out, true);
      assert.notEqual(readFileSync(out, 'utf8'), 'mine');
    }
  });

  test('is refused before the work whose results it is to hold', async (t) => {
    const { app, folder, root, engine } = await done(t);
    writeFiles(folder, { 'cat/1.jpg': 'x' });
    writeFileSync(join(root, 'mine.csv'), 'mine');
    engine.beforeAnswer = () => assert.fail('nothing must be predicted');
    await assert.rejects(app.evaluate({ folder, confusion: join(root, 'mine.csv') }), EXISTS);
    await assert.rejects(app.checkExport({ format: 'csv', out: join(root, 'mine.csv') }), EXISTS);
    await app.checkExport({ format: 'csv', out: join(root, 'mine.csv'), force: true });
    await app.checkExport({ format: 'csv', out: join(root, 'new.csv') });
    assert.ok(!existsSync(join(root, 'new.csv')));
  });

  test('replaces what the same command wrote there, as long as it is untouched', async (t) => {
    const { app, root } = await done(t);
    const out = join(root, 'out.csv');
    const write = (format: 'csv' | 'json') => app.exportRun({ runId: 1, format, out });
    await write('csv');
    await write('csv');
    await assert.rejects(write('json'), EXISTS); // another format
    await assert.rejects(app.backUpLibrary({ out }), EXISTS); // another command
    writeFileSync(out, `${readFileSync(out, 'utf8')}my own row\n`);
    await assert.rejects(write('csv'), EXISTS);
    assert.match(readFileSync(out, 'utf8'), /my own row/);
    await app.exportRun({ runId: 1, format: 'csv', out, force: true });
    await write('csv');
    await app.backUpLibrary({ out: join(root, 'copy.db') });
    await app.backUpLibrary({ out: join(root, 'copy.db') });
  });

  test('of a run that is forgotten is the only one of its kind, so it stays', async (t) => {
    const { app, root, folder } = await done(t);
    const out = join(root, 'out.csv');
    await app.exportRun({ runId: 1, format: 'csv', out });
    await app.removeRun({ runId: 1 });
    const { id: runId } = await app.run({ folders: [folder], preset: 'fast' });
    await assert.rejects(app.exportRun({ runId, format: 'csv', out }), EXISTS);
  });

  test('is never the library, a file of it, or a backup, whatever the person says', async (t) => {
    const place = await done(t);
    const { app, root, libraryPath } = place;
    const { path: backup } = await app.backUpLibrary({});
    copyFileSync(backup, join(root, 'another library'));
    linkSync(libraryPath, join(root, 'other name.csv'));
    mkdirSync(join(root, 'real'));
    symlinkSync(root, join(root, 'real/way'));
    const { csv, json, backup: backUp } = writers(place);
    const endings = ['', '-wal', '-shm', '-journal', '-writer'].map((ending) => libraryPath + ending);
    const targets = [
      ...endings,
      backup,
      join(root, 'other name.csv'),
      join(root, 'another library'),
      join(root, 'another library-wal'),
      join(root, 'real/way/library.db'),
    ];
    for (const out of targets) {
      const before = existsSync(out) ? readFileSync(out) : undefined;
      for (const write of [csv, json, backUp])
        await assert.rejects(
          write(out, true),
          refused(
            / is (the library itself|a file of (the|a) library|among the library's backups|a library or a backup of one), which nothing is written over$/,
          ),
        );
      assert.deepEqual(existsSync(out) ? readFileSync(out) : undefined, before);
    }
    assert.equal((await app.listRuns({})).length, 1);
  });

  test('is never a picture, a model or what Winnow keeps for itself', async (t) => {
    const place = await done(t);
    const { root, folder } = place;
    const sample = readdirSync(sampleImages, { recursive: true, encoding: 'utf8' }).find((name) =>
      name.endsWith('.jpg'),
    );
    copyFileSync(join(sampleImages, sample ?? ''), join(root, 'a picture by its content.csv'));
    mkdirSync(join(root, 'models'));
    copyFileSync(everyday10, join(root, 'models/mine.safetensors'));
    writeFiles(root, {
      'settings.json': '{}',
      'trainings/1/training.json': '{}',
      'thumbnails/ab/ab.webp': '',
    });
    const cases: [string, RegExp][] = [
      [join(folder, '000.jpg'), /is a picture/],
      [join(root, 'a picture by its content.csv'), /is a picture/],
      [join(root, 'models/mine.safetensors'), /is among Winnow's models/],
      [join(root, 'models/new.csv'), /is among Winnow's models/],
      [join(root, 'settings.json'), /is one of Winnow's own files/],
      [join(root, 'trainings/1/new.csv'), /is in Winnow's own folder trainings/],
      [join(root, 'thumbnails/ab/ab.webp'), /is in Winnow's own folder thumbnails/],
    ];
    const { csv, backup } = writers(place);
    for (const [out, message] of cases) {
      const before = existsSync(out) ? readFileSync(out) : undefined;
      for (const write of [csv, backup]) await assert.rejects(write(out, true), refused(message));
      assert.deepEqual(existsSync(out) ? readFileSync(out) : undefined, before);
    }
    await assert.rejects(
      place.app.exportRun({ runId: 1, format: 'csv', out: join(root, 'models') }),
      refused(/is among Winnow's models/),
    );
  });

  test('is never put through a link, or into a pipe or device', { skip: onWindows }, async (t) => {
    const place = await done(t);
    const { root } = place;
    writeFileSync(join(root, 'target.csv'), 'mine');
    symlinkSync('target.csv', join(root, 'link.csv'));
    symlinkSync('nowhere.csv', join(root, 'dangling.csv'));
    execFileSync('mkfifo', [join(root, 'pipe.csv')]);
    for (const write of Object.values(writers(place)).slice(0, 4)) {
      for (const name of ['link.csv', 'dangling.csv'])
        await assert.rejects(write(join(root, name), true), refused(/is a link to another place$/));
      await assert.rejects(write(join(root, 'pipe.csv'), true), refused(/is a pipe or device$/));
      await assert.rejects(write('/dev/null', true), refused(/\/dev\/null is a pipe or device$/));
    }
    assert.equal(readlinkSync(join(root, 'link.csv')), 'target.csv');
    assert.equal(readFileSync(join(root, 'target.csv'), 'utf8'), 'mine');
    assert.ok(!existsSync(join(root, 'nowhere.csv')));
    assert.ok(lstatSync(join(root, 'pipe.csv')).isFIFO() && lstatSync('/dev/null').isCharacterDevice());
  });

  test('that comes while another is written is kept', async (t) => {
    const { app, root } = await done(t);
    const out = join(root, 'out.csv');
    const first = app.exportRun({ runId: 1, format: 'csv', out });
    const second = app.exportRun({ runId: 1, format: 'csv', out });
    const ended = await Promise.allSettled([first, second]);
    assert.deepEqual(ended.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    assert.match(readFileSync(out, 'utf8'), /^relative_path,[^]*001\.jpg/);
  });

  test('may have the longest name that there is', async (t) => {
    const { app, root } = await done(t);
    const out = join(root, `${'x'.repeat(251)}.csv`);
    assert.equal((await app.exportRun({ runId: 1, format: 'csv', out })).rows, 2);
  });
});

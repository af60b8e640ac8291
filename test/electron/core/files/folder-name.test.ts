import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { OutputNames } from '../../../../electron/core/export/output-names.ts';
import { folderNameOf, isDeviceName } from '../../../../electron/core/files/folder-name.ts';
import { isPackageName, nearestPackageName } from '../../../../electron/core/packages/package-name.ts';
import { foundRun } from '../../support/found-run.ts';
import type { FoundPicture } from '../../support/found-run.ts';
import { NASTY_LABELS, refusalOnWindows } from '../../support/windows-names.ts';

/** Those of some names that Windows refuses, each with the reason. */
const refused = (names: readonly string[]) =>
  names.flatMap((name) => {
    const reason = refusalOnWindows(name);
    return reason === undefined ? [] : [`${JSON.stringify(name)}: ${reason}`];
  });

/** A run in which every label was found once, or a detection of it. */
function runOf(t: TestContext, labels: readonly string[]) {
  const files = labels.map((_, index): [string, FoundPicture] => [
    `in/${index}.jpg`,
    { detections: [[index, 0.9, 0, 0, 9, 9]] },
  ]);
  const names = labels.map((name) => ({ name }));
  return foundRun(t, 'detection', names, Object.fromEntries(files));
}

/** Names of all files and folders below a folder. */
const namesBelow = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => basename(path));

// A label that is empty, or that holds half a character, is none in a model or the library.
const labels = NASTY_LABELS.filter((label) => label.trim() !== '' && label.isWellFormed());

suite('names that Winnow makes of labels are names on Windows', () => {
  test('of folders, whatever the label', () => {
    assert.deepEqual(refused(NASTY_LABELS.map(folderNameOf)), []);
    const names = ['CON', 'con.x', 'nul .txt', 'COM¹', 'a.b. ', 'C:\\b', 'console', `${'x'.repeat(119)}🌾`];
    assert.deepEqual(names.map(folderNameOf), [
      'CON_',
      'con_.x',
      'nul_.txt',
      'COM¹_',
      'a.b',
      'C__b',
      'console',
      'x'.repeat(119),
    ]);
  });

  test('of devices with a number in superscript and those of the console, too', () => {
    const devices = ['con', 'NUL.x', 'aux .x', 'COM9', 'LPT²', 'CONIN$', 'conout$.txt'];
    assert.deepEqual(devices.filter(isDeviceName), devices);
    assert.deepEqual(['com', 'com10', 'null', 'conin', 'x.con', ' con'].filter(isDeviceName), []);
  });

  test('in sorting', async (t) => {
    const { app, root, runId } = await runOf(t, labels);
    const to = join(root, 'to');
    mkdirSync(to);
    const { files, failures } = await app.transferFiles({ runId, to, mode: 'copy' });
    assert.deepEqual([files, failures], [labels.length, []]);
    assert.equal(readdirSync(to).length, labels.length);
    assert.deepEqual(refused(namesBelow(to)), []);
  });

  test('in crops', async (t) => {
    const { app, root, runId } = await runOf(t, labels);
    const out = join(root, 'crops');
    await app.exportRun({ runId, format: 'crops', out });
    const names = namesBelow(out);
    assert.equal(names.filter((name) => name.endsWith('.jpg')).length, labels.length);
    assert.deepEqual(refused(names), []);
  });

  test('in exports of several folders', () => {
    const folders = ['/a/CON', '/b/con', '/c/aux.d', '/d/dot.', '/'];
    const names = new OutputNames(folders);
    const paths = folders.map((folder) => names.imagePath(folder, '1.jpg'));
    assert.deepEqual(paths, ['CON_/1.jpg', 'con_ (2)/1.jpg', 'aux_.d/1.jpg', 'dot/1.jpg', '_/1.jpg']);
  });

  test('of models', () => {
    const names = NASTY_LABELS.map(nearestPackageName);
    assert.deepEqual(refused(names), []);
    assert.deepEqual(
      names.filter((name) => !isPackageName(name)),
      [],
    );
  });
});

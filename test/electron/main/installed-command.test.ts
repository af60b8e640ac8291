import '../support/electron-hooks.ts';
import assert from 'node:assert/strict';
import { lstatSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { app, called } from '../support/electron-double.ts';
import { writeFiles } from '../support/files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const { runCommand } = await import('../../../electron/main/command-line.ts');
const { installCommand } = await import('../../../electron/main/install-command.ts');
const { chooseLanguage } = await import('../../../electron/main/texts.ts');
const { texts } = chooseLanguage('en', 'en');

suite('the installed program', () => {
  test('started with a command carries it out as Node, and ends with its exit code', (t) => {
    const folder = temporaryFolder(t);
    const said = join(folder, 'said.json');
    const program = `import { writeFileSync } from 'node:fs';
writeFileSync(${JSON.stringify(said)}, JSON.stringify([process.argv.slice(2), process.env.ELECTRON_RUN_AS_NODE]));
process.exitCode = 3;`;
    writeFiles(folder, { 'app.asar.unpacked/electron/cli/winnow.mjs': program });
    const root = join(folder, 'app.asar');
    assert.equal(runCommand(root, ['/opt/Winnow/winnow-window', 'show', '1', '--library', 'a b']), true);
    assert.deepEqual(JSON.parse(readFileSync(said, 'utf8')), [['show', '1', '--library', 'a b'], '1']);
    assert.deepEqual(called('exit').at(-1), [3]);
  });

  test('opens a window when there is no command, or switches for Chromium only', (t) => {
    const root = join(temporaryFolder(t), 'app.asar');
    for (const args of [[], ['--enable-logging'], ['-psn_0_1']])
      assert.equal(runCommand(root, ['/opt/Winnow/winnow-window', ...args]), false);
    app.isPackaged = false;
    t.after(() => (app.isPackaged = true));
    assert.equal(runCommand(root, ['electron', 'out/app']), false);
  });
});

suite('the command on the path of macOS', { skip: process.platform === 'win32' && 'needs links' }, () => {
  test('is a link to the launcher, made once and led to where the app is now', async (t) => {
    const folder = temporaryFolder(t);
    const place = join(folder, 'winnow');
    symlinkSync('/Volumes/Winnow/Winnow.app/Contents/bin/winnow', place); // of an app that was somewhere else
    for (let time = 0; time < 2; time++) {
      await installCommand('/Applications/Winnow.app/Contents', texts, place);
      assert.equal(readlinkSync(place), '/Applications/Winnow.app/Contents/bin/winnow');
      const [options] = called('showMessageBox').at(-1) as [{ message: string }];
      assert.equal(options.message, texts.commandInstalled(place));
    }
    assert.equal(called('showErrorBox').length, 0);
  });

  test('never takes the place of a file', async (t) => {
    const place = join(temporaryFolder(t), 'winnow');
    writeFileSync(place, 'mine');
    await installCommand('/Applications/Winnow.app/Contents', texts, place);
    assert.ok(lstatSync(place).isFile());
    assert.equal(readFileSync(place, 'utf8'), 'mine');
    assert.match(String(called('showErrorBox').at(-1)?.[1]), /is there and is no link: it stays as it is/);
  });
});

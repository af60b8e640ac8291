import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { completions } from '../../build/package/command/completions.ts';
import { allOf, describeCommandLine } from '../../build/package/command/describe.ts';
import { manual } from '../../build/package/command/manual.ts';
import { temporaryFolder } from '../electron/support/temporary-folder.ts';

const described = describeCommandLine();

/** Whether a program can be started here; skips the test where not. */
function isHere(t: TestContext, program: string): boolean {
  const found = spawnSync(program, ['--version']).error === undefined;
  if (!found) t.skip(`${program} is not installed`);
  return found;
}

function file(t: TestContext, content: string): string {
  const path = join(temporaryFolder(t), 'file');
  writeFileSync(path, content);
  return path;
}

suite('completions', () => {
  test('of bash offer commands, options and the values of an option', (t) => {
    if (!isHere(t, 'bash')) return;
    const script = file(t, completions.bash(described));
    const offered = (...words: string[]) => {
      const program =
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _winnow; echo "${COMPREPLY[*]}"';
      const { stdout, stderr } = spawnSync('bash', ['-c', program, 'bash', script, 'winnow', ...words], {
        encoding: 'utf8',
      });
      assert.equal(stderr, '');
      return stdout.trim();
    };
    assert.equal(offered('expo'), 'export');
    assert.equal(offered('models', 'im'), 'import');
    assert.equal(offered('export', '1', '--format', 'c'), 'csv coco crops');
    assert.equal(offered('run', '--library', '/tmp/x', '--token'), '--token-keep');
    assert.equal(offered('run', 'im'), ''); // no command below: the shell offers files
  });

  test('of zsh are understood by it', (t) => {
    if (!isHere(t, 'zsh')) return;
    const { status, stderr } = spawnSync('zsh', ['-n', file(t, completions.zsh(described))], {
      encoding: 'utf8',
    });
    assert.deepEqual([status, stderr], [0, '']);
  });

  test('of fish offer commands and the values of an option', (t) => {
    if (!isHere(t, 'fish')) return;
    const script = file(t, completions.fish(described));
    const offered = (line: string) => {
      const { stdout, stderr } = spawnSync('fish', ['-c', `source '${script}'; complete -C '${line}'`], {
        encoding: 'utf8',
      });
      assert.equal(stderr, '');
      return stdout.split('\n').map((one) => one.split('\t')[0]);
    };
    assert.ok(offered('winnow models im').includes('import'));
    assert.ok(offered('winnow export 1 --format c').includes('csv'));
  });
});

suite('the manual page', () => {
  const page = manual(described, '0.0.0');

  test('has every command and every option of it', () => {
    for (const { words, options, commands } of allOf(described)) {
      if (words.length === 0 || commands.length > 0) continue;
      const head = `.SS "winnow ${words.join(' ')}`.replaceAll('-', String.raw`\-`);
      const start = page.indexOf(head);
      assert.ok(start > 0, head);
      const section = page.slice(start, page.indexOf('.S', start + 3));
      for (const { names } of options)
        for (const name of names)
          assert.ok(section.includes(name.replaceAll('-', String.raw`\-`)), `${head} ${name}`);
    }
  });

  test('is set without a warning', (t) => {
    if (!isHere(t, 'groff')) return;
    const args = ['-man', '-Tutf8', '-ww', file(t, page)];
    const { status, stdout, stderr } = spawnSync('groff', args, { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /Label the images of folders/);
  });
});

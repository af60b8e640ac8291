import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { describeCommandLine } from '../../../build/package/command/describe.ts';
import { manual } from '../../../build/package/command/manual.ts';
import { root } from '../../../build/setup.mjs';
import { EXIT, exitCodes } from '../../../electron/cli/exit.ts';
import { commandLine } from '../../../electron/cli/program.ts';

test('exit codes are the same in the help, the manual page and README.md', () => {
  assert.deepEqual(
    exitCodes().map(([code]) => code),
    Object.values(EXIT).sort(),
  );
  const program = commandLine(() => undefined);
  let help = '';
  program.configureOutput({ writeOut: (text) => (help += text) });
  program.outputHelp();
  const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
  const page = manual(describeCommandLine(), '1.0.0');
  for (const [code, meaning] of exitCodes()) {
    const text = `${code} ${meaning}`;
    assert.ok(help.includes(text), `help: ${text}`);
    assert.ok(readme.includes(text), `README.md: ${text}`);
    assert.ok(page.includes(`.TP\n${code}\n${meaning}\n`), `manual: ${text}`);
  }
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import { skipMetalChecks } from '../../build/native/metal-subset.ts';
import { root } from '../../build/setup.mjs';

/*
 * The Metal library is built on macOS only. Elsewhere its types are checked: clang knows Objective-C++, and
 * native/test/metal/frameworks declares what is used of Apple's frameworks.
 */
suite('the Metal library', { skip: skipMetalChecks }, () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'winnow-metal-'));
  after(() => {
    fs.rmSync(folder, { recursive: true });
  });

  before(() => {
    const text = path.join(folder, 'metal/kernels_text.inc');
    const args = ['-D', `OUTPUT=${text}`, '-D', 'LITERAL=ON', '-P', 'native/metal/join_kernels.cmake'];
    assert.equal(spawnSync('cmake', args, { cwd: root }).status, 0);
  });

  const check = (file: string) =>
    spawnSync(
      'clang++',
      [
        '-x',
        'objective-c++',
        '-std=c++20',
        '-fobjc-arc',
        '-fobjc-runtime=macosx-13.0',
        '-fsyntax-only',
        '-Wall',
        '-Wextra',
        '-Werror',
        '-Inative',
        '-I',
        folder,
        '-isystem',
        'native/test/metal/frameworks',
        file,
      ],
      { cwd: root, encoding: 'utf8' },
    );

  for (const file of fs.globSync('native/metal/*.mm', { cwd: root })) {
    test(`${file} fits Apple's declarations`, () => {
      assert.equal(check(file).stderr, '');
    });
  }

  test('what Apple does not declare is refused', () => {
    const file = path.join(folder, 'wrong.mm');
    fs.writeFileSync(
      file,
      '#include "metal/metal_gpu.h"\nvoid f(id<MTLBuffer> buffer) { [buffer didModifyRange:NSMakeRange(0, 1)]; }\n',
    );
    assert.match(check(file).stderr, /didModifyRange/);
  });
});

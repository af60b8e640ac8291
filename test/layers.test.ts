import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { ESLint } from 'eslint';
import { coreLayers } from '../build/layers.mjs';
import { root } from '../build/setup.mjs';

/** Of a rule whose complaints make lint fail. */
const ERROR = 2;

test('no files import one another in a circle', () => {
  const files = globSync('{electron,renderer,build}/**/*.{ts,svelte}', { cwd: root });
  const imports = new Map(files.map((file) => [file, importsOf(file)]));
  const done = new Set<string>();
  const follow = (file: string, path: readonly string[]) => {
    assert.ok(!path.includes(file), [...path.slice(path.indexOf(file)), file].join(' -> '));
    if (done.has(file)) return;
    for (const other of imports.get(file) ?? []) follow(other, [...path, file]);
    done.add(file);
  };
  for (const file of files) follow(file, []);

  /** Files of ours that a file imports, types as well. */
  function importsOf(file: string): string[] {
    const text = readFileSync(path.join(root, file), 'utf8');
    return [...text.matchAll(/\b(?:from|import) '(\.[^']+)'/g)]
      .map(([, name = '']) => path.join(path.dirname(file), name))
      .filter((name) => files.includes(name));
  }
});

suite('TypeScript layers', () => {
  // The rule of `npm run check:lint` without all others, and so without the types that those ask for.
  const eslint = new ESLint({
    cwd: root,
    overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
    ruleFilter: ({ ruleId, severity }) => ruleId === 'winnow/layers' && severity === ERROR,
  });

  /** What lint says about the imports of a made-up text in the place of an existing file. */
  async function complaints(file: string, text: string): Promise<string[]> {
    const [result] = await eslint.lintText(text, { filePath: path.join(root, file) });
    assert.ok(result);
    assert.deepEqual(
      result.messages.filter(({ fatal }) => fatal),
      [],
    );
    return result.messages.map(({ message }) => message);
  }

  const refused: [file: string, text: string][] = [
    ['electron/shared/errors.ts', `import '../core/models/presets.ts';`],
    ['electron/core/models/presets.ts', `import '../../engine/addon.ts';`],
    ['electron/core/models/presets.ts', `export { x } from '../../cli/x.ts';`],
    ['electron/core/models/presets.ts', `export * from '../../../build/x.ts';`],
    ['electron/core/models/presets.ts', `import type { App } from 'electron';`],
    ['electron/core/models/presets.ts', `import '../files/write-file.ts';`],
    ['electron/core/files/write-file.ts', `import type { Library } from '../store/library.ts';`],
    ['electron/core/store/tables/runs.ts', `import '../../results/held-label.ts';`],
    ['electron/core/store/library.ts', `export { x } from '../app-service.ts';`],
    ['electron/core/results/held-label.ts', `import '../runs/run-job.ts';`],
    ['electron/core/packages/read-package.ts', `import '../checkpoint/import-checkpoint.ts';`],
    ['electron/core/calibration/calibrate.ts', `import '../runs/run-rate.ts';`],
    ['electron/core/runs/run-job.ts', `import type { AppContext } from '../app/app-context.ts';`],
    ['electron/core/training/journal/journal.ts', `import '../steps/schedule.ts';`],
    ['electron/core/training/steps/pace.ts', `import '../plan-training.ts';`],
    ['electron/core/training/training-job.ts', `await import('../services/training-service.ts');`],
    ['electron/core/app/app-context.ts', `import '../services/run-service.ts';`],
    ['electron/core/services/run-service.ts', `import '../calls/run-calls.ts';`],
    ['electron/engine/addon.ts', `await import('../core/models/presets.ts');`],
    ['electron/engine/addon.ts', `import { utilityProcess } from 'electron/main';`],
    ['renderer/App.svelte', `<script lang="ts">import '../electron/core/models/presets.ts';</script>`],
    ['renderer/lib/connection/client.ts', `import '../../../electron/core/models/presets.ts';`],
    ['electron/core/runs/run-job.ts', `import { request } from 'undici';`],
    ['electron/core/download/fetch-file.ts', `import { connect } from 'node:net';`],
    ['electron/core/download/http.ts', `import 'node:https';`],
    ['electron/engine/addon.ts', `import https from 'https';`],
    ['electron/cli/serve.ts', `import { WebSocket } from 'ws';`],
    ['electron/serve/server.ts', `import { connect } from 'node:tls';`],
    ['electron/core/runs/run-job.ts', `const answer = await fetch('https://example.org');`],
    ['electron/serve/server.ts', `new WebSocket('wss://example.org');`],
    ['electron/cli/serve.ts', `await globalThis.fetch('https://example.org');`],
    ['electron/main/scheme.ts', `import { net } from 'electron';`],
    ['renderer/lib/copy.ts', `import 'undici';`],
  ];
  for (const [file, text] of refused) {
    test(`${file} must not say ${text}`, async () => {
      assert.equal((await complaints(file, text)).length, 1);
    });
  }

  test('folders of core are listed, each behind all that it may import', () => {
    const listed = Object.keys(coreLayers);
    for (const [index, layer] of listed.entries())
      for (const allowed of coreLayers[layer] ?? [])
        assert.ok(listed.slice(0, index).includes(allowed), `${layer} may import ${allowed}`);
    const folders = globSync('electron/core/*/', { cwd: root }).map((folder) => path.basename(folder));
    for (const folder of folders) assert.ok(listed.includes(folder), `electron/core/${folder} has no rule`);
  });

  const accepted: [file: string, text: string][] = [
    ['electron/core/models/presets.ts', `import '../../shared/errors.ts';`],
    ['electron/core/models/presets.ts', `import './flops.ts'; import 'node:fs'; import 'zod';`],
    ['electron/core/store/tables/runs.ts', `import '../library.ts'; import '../../files/private.ts';`],
    ['electron/core/training/training-job.ts', `import './steps/pace.ts'; import '../runs/run-spec.ts';`],
    ['electron/core/app-service.ts', `import './calls/run-calls.ts'; import './store/library.ts';`],
    ['renderer/App.svelte', `<script lang="ts">import '../electron/shared/errors.ts';</script>`],
    ['electron/core/download/http.ts', `import { request } from 'undici';`],
    ['electron/serve/server.ts', `import { createServer } from 'node:http'; import 'ws';`],
    ['electron/serve/window-socket.ts', `import type { WebSocket } from 'ws'; let one: WebSocket;`],
    [
      'build/native/golden.ts',
      `import '../electron/core/models/presets.ts'; import '../electron/engine/addon.ts';`,
    ],
  ];
  for (const [file, text] of accepted) {
    test(`${file} may say ${text}`, async () => {
      assert.deepEqual(await complaints(file, text), []);
    });
  }
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { root } from '../../../../build/setup.mjs';
import { commandLine } from '../../../../electron/cli/program.ts';
import { EXPORT_FORMATS, formatInfo, formatsOf } from '../../../../electron/core/export/formats.ts';
import { testApp } from '../../support/test-app.ts';

suite('export formats', () => {
  test('have names of their own, and each fits some model', () => {
    const names = EXPORT_FORMATS.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const { name, tasks, place, ending } of EXPORT_FORMATS) {
      assert.match(name, /^[a-z]+$/);
      assert.ok(tasks.length > 0, name);
      assert.equal(ending === '', place === 'folder', name);
    }
  });

  test('stand with what they fit in the table of docs/exports.md', () => {
    const rows = readFileSync(path.join(root, 'docs/exports.md'), 'utf8')
      .split('\n')
      .filter((line) => /^\| (`\w+`(, )?)+ \| .* \| [a-z, ]+ \|$/.test(line));
    const documented = rows.flatMap((row) => {
      const [, names = '', , tasks = ''] = row.split('|');
      return [...names.matchAll(/`(\w+)`/g)].map(([, name]) => [name, tasks.trim()]);
    });
    const stated = EXPORT_FORMATS.map(({ name, tasks }) => [
      name,
      tasks.length === 3 ? 'all' : [...tasks].sort().join(', '),
    ]);
    assert.deepEqual(documented, stated);
  });

  test('stand in the list of commands in README.md', () => {
    const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
    const [, list = ''] =
      /winnow export RUN --format F.*\n((?: {6}\w+(?:, \w+)* {2,}.*\n)+)/.exec(readme) ?? [];
    const listed = list.split('\n').flatMap((line) => line.trim().split(/ {2,}/)[0]?.split(', ') ?? []);
    const names = EXPORT_FORMATS.map(({ name }) => name);
    assert.deepEqual(listed.filter((name) => name !== '').sort(), [...names].sort());
  });

  test('are what the command line offers, and what a run can be asked for', async (t) => {
    const { app, folder } = testApp(t, 1);
    const { id } = await app.run({ folders: [folder] });
    const offered = await app.exportFormats({ runId: id });
    assert.deepEqual(offered, formatsOf('classification').map(formatInfo));
    const csv = { name: 'csv', of: 'files', place: 'file', ending: '.csv', options: ['bom', 'columns'] };
    assert.deepEqual(offered[0], csv);
    assert.ok(!offered.some(({ of }) => of === 'found'));
    const names = EXPORT_FORMATS.map(({ name }) => name);
    const command = commandLine(() => undefined).commands.find((one) => one.name() === 'export');
    const option = command?.options.find((one) => one.long === '--format');
    assert.deepEqual(option?.argChoices, names);
    const message = `A format must be one of ${names.join(', ')}, but is "parquet"`;
    await assert.rejects(app.exportRun({ runId: id, format: 'parquet', out: `${folder}/out` }), {
      code: 'BAD_ARGUMENT',
      message,
    });
    await assert.rejects(app.checkExport({ format: 'coco', out: `${folder}/out` }), {
      code: 'BAD_ARGUMENT',
      message: /^A format must be one of csv, json, [a-z, ]*xlsx, but is "coco"$/,
    });
  });
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { AppArguments } from '../../../../electron/shared/app-api.ts';
import { foundRun, WOODS_AND_FIELDS } from '../../support/found-run.ts';
import type { FoundRun } from '../../support/found-run.ts';
import { csvRows } from '../../support/csv.ts';

const LABELS = [{ name: 'fox' }, { name: 'owl, "barn"' }, { name: 'newt' }];

type Request = Omit<AppArguments<'exportRun'>, 'runId' | 'out' | 'force'>;

async function exported({ app, runId, root }: FoundRun, request: Request): Promise<string> {
  const out = join(root, `out.${request.format}`);
  await app.exportRun({ runId, out, force: true, ...request });
  return readFileSync(out, 'utf8');
}

suite('tables of a detection run', () => {
  test('have no label below the threshold, and name it', async (t) => {
    const run = await foundRun(t, 'detection', LABELS, WOODS_AND_FIELDS);
    const names = [
      'label',
      'label_source',
      'predicted_label',
      'confidence',
      'predicted_label_2',
      'min_score',
    ];
    const called = async (filter: AppArguments<'exportRun'>['filter'] = {}) => {
      const text = await exported(run, { format: 'csv', filter });
      return csvRows(text).map((row) => [row['relative_path'], ...names.map((name) => row[name])].join('; '));
    };
    const unseen = (minScore: number) =>
      ['bad.jpg', 'late.jpg'].map((name) => `${name}; ; ; ; ; ; ${minScore}`);
    assert.deepEqual(await called(), [
      'a/1.jpg; newt; model; newt; 0.5; ; 0.5',
      'a/1.jpg; fox; model; fox; 0.9; owl, "barn"; 0.5',
      'a/1.png; ; model; ; ; ; 0.5',
      ...unseen(0.5),
    ]);
    assert.deepEqual(await called({ minScore: 0.7 }), [
      'a/1.jpg; ; model; ; ; ; 0.7',
      'a/1.jpg; fox; model; fox; 0.9; ; 0.7',
      'a/1.png; ; model; ; ; ; 0.7',
      ...unseen(0.7),
    ]);
    const classic = await exported(run, {
      format: 'csv',
      columns: 'classic',
      filter: { minScore: 0.7 },
    });
    assert.deepEqual(
      csvRows(classic).map(({ label, confidence }) => [label, confidence]),
      [
        ['', ''],
        ['fox', '0.9'],
        ['', ''],
        ['', ''],
        ['', ''],
      ],
    );
    const text = await exported(run, { format: 'json', filter: { minScore: 0.7 } });
    const { run: told, files } = JSON.parse(text) as {
      run: { min_score: number };
      files: { label: string | null; label_source: string | null; predictions: object[] }[];
    };
    assert.equal(told.min_score, 0.7);
    assert.deepEqual(
      files.map(({ label, label_source: source, predictions }) => [label, source, predictions.length]),
      [
        ['', 'model', 0],
        ['fox', 'model', 1],
        ['', 'model', 0],
        [null, null, 0],
        [null, null, 0],
      ],
    );
  });
});

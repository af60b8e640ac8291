import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { problemText } from '../../../../electron/shared/picture-problem.ts';
import type { PictureProblem } from '../../../../electron/shared/picture-problem.ts';
import type { TestContext } from 'node:test';
import { readManifest } from '../../../../electron/core/packages/read-package.ts';
import { Library } from '../../../../electron/core/store/library.ts';
import type { ImageOutcome } from '../../../../electron/shared/engine-api.ts';
import { everyday10 } from '../../support/models.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const FOLDER = '/pictures';

const manifest = await readManifest(everyday10);

/** A library with a run on one folder, and what a scan does in it. */
function libraryWithRun(t: TestContext) {
  const library = Library.open(join(temporaryFolder(t), 'library.db'));
  t.after(() => library.close());
  library.models.put({ sha256: 'abc', name: 'model', path: '/model', manifest });
  const preset = { name: 'balanced', tokenKeep: [0.7], blockThreshold: 0.5, precision: 'fp32' as const };
  const spec = { folders: [FOLDER], modelName: 'model', modelSha256: 'abc', preset, device: 'cpu' };
  const run = library.runs.ensure(spec, '2026-01-01T00:00:00.000Z');
  const folder = library.folders.ensure(FOLDER);
  const scan = (paths: string[]) => {
    const number = library.folders.beginScan(folder.id);
    for (const relativePath of paths) {
      const file = { relativePath, fileSize: 1, modifiedMs: 1 };
      library.results.enqueue(run.id, library.images.see(folder.id, file, number), file);
    }
  };
  return { library, run, spec, scan };
}

function labelled(classIndex: number, confidence: number): Extract<ImageOutcome, { status: 'ok' }> {
  return {
    status: 'ok',
    facts: {
      version: { fileSize: 1, modifiedMs: 1 },
      width: 4,
      height: 3,
      capturedAt: '2020-02-02T02:02:02',
      capturedFraction: '25',
      capturedOffset: '+02:00',
    },
    top: [{ classIndex, confidence }],
    receipt: { directions: Uint8Array.of(3, 0), survived: Uint8Array.of(1, 0, 1), milliseconds: 1.5 },
  };
}

suite('results', () => {
  test('come back as they were saved', (t) => {
    const { library, run, scan } = libraryWithRun(t);
    scan(['a.jpg', 'b.jpg']);
    const [a, b] = library.results.pending(run.id, 0, 10);
    assert.ok(a && b);
    const warning: PictureProblem = { code: 'damagedParts', details: 'a decoder said so' };
    library.results.save(run.id, a.imageId, { ...labelled(2, 0.75), warning });
    library.images.setFacts(a.imageId, labelled(2, 0.75).facts);
    const [row, pending] = library.results.page(run.id, FOLDER, '', 10);
    assert.deepEqual(
      {
        ...row,
        receipt: { ...row?.receipt, directions: [...(row?.receipt?.directions ?? [])], survived: [] },
      },
      {
        imageId: a.imageId,
        relativePath: 'a.jpg',
        fileSize: 1,
        modifiedMs: 1,
        width: 4,
        height: 3,
        capturedFraction: '25',
        capturedOffset: '+02:00',
        capturedAt: '2020-02-02T02:02:02',
        status: 'ok',
        top: [{ classIndex: 2, confidence: 0.75 }],
        receipt: { directions: [3, 0], survived: [], milliseconds: 1.5 },
        warning: problemText(warning),
        problem: warning,
        blocksRun: 2,
        error: undefined,
        humanLabel: undefined,
        humanBoxes: undefined,
        verified: false,
      },
    );
    assert.deepEqual([...(row?.receipt?.survived ?? [])], [1, 0, 1]);
    assert.deepEqual([pending?.status, pending?.top, pending?.receipt], ['pending', [], undefined]);
    assert.deepEqual(library.results.counts(run.id), { total: 2, pending: 1, ok: 1, failed: 0 });
  });

  test('that are pending come in pages, each once', (t) => {
    const { library, run, scan } = libraryWithRun(t);
    scan(Array.from({ length: 25 }, (_, index) => `${index}.jpg`));
    const seen: number[] = [];
    for (let page; (page = library.results.pending(run.id, seen.at(-1) ?? 0, 10)).length > 0;) {
      seen.push(...page.map(({ imageId }) => imageId));
    }
    assert.deepEqual([seen.length, new Set(seen).size], [25, 25]);
  });

  test('are filtered by status, confidence and class', (t) => {
    const { library, run, scan } = libraryWithRun(t);
    scan(['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg']);
    const [a, b, c] = library.results.pending(run.id, 0, 10).map(({ imageId }) => imageId);
    library.results.save(run.id, a ?? 0, labelled(2, 0.75));
    library.results.save(run.id, b ?? 0, labelled(3, 0.25));
    const facts = { version: undefined, width: undefined, height: undefined, capturedAt: undefined };
    library.results.save(run.id, c ?? 0, { status: 'failed', facts, problem: { code: 'damaged' } });
    const paths = (filter: Parameters<typeof library.results.page>[4]) =>
      library.results.page(run.id, FOLDER, '', 10, filter).map(({ relativePath }) => relativePath);
    assert.deepEqual(paths({ status: 'ok' }), ['a.jpg', 'b.jpg']);
    assert.deepEqual(paths({ status: 'failed' }), ['c.jpg']);
    assert.deepEqual([paths({ status: 'warned' }), library.results.warned(run.id)], [[], 0]);
    library.results.save(run.id, b ?? 0, { ...labelled(3, 0.25), warning: { code: 'damagedParts' } });
    assert.deepEqual([paths({ status: 'warned' }), library.results.warned(run.id)], [['b.jpg'], 1]);
    assert.deepEqual(paths({ status: 'problem' }), ['b.jpg', 'c.jpg']);
    assert.deepEqual(paths({ minConfidence: 0.5 }), ['a.jpg']);
    assert.deepEqual(paths({ labels: { names: [], classes: [3, 4] } }), ['b.jpg']);
    assert.deepEqual(paths({ labels: { names: [], classes: [3] }, minConfidence: 0.5 }), []);
  });

  test('cannot be without their run and image', (t) => {
    const { library, run } = libraryWithRun(t);
    const file = { relativePath: 'x', fileSize: 1, modifiedMs: 1 };
    assert.throws(() => library.results.enqueue(run.id, 99, file), /FOREIGN KEY/);
    assert.throws(() => library.results.enqueue(99, 1, file), /FOREIGN KEY/);
  });
});

suite('runs', () => {
  test('are the same when everything that changes a result is', (t) => {
    const { library, run, spec } = libraryWithRun(t);
    const again = (change: object) => library.runs.ensure({ ...spec, ...change }, 'later').id;
    const { preset } = spec;
    assert.equal(again({}), run.id);
    assert.equal(again({ modelName: 'renamed', preset: { ...preset, name: 'custom' } }), run.id);
    assert.equal(library.runs.get(run.id)?.createdAt, run.createdAt);
    const others = [
      again({ folders: ['/other'] }),
      again({ device: 'reference' }),
      again({ preset: { ...preset, tokenKeep: [0.6] } }),
      again({ preset: { ...preset, blockThreshold: 0.4 } }),
    ];
    assert.deepEqual(new Set([run.id, ...others]).size, 5);
  });
});

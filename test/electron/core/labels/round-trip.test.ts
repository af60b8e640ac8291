import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import Database from 'better-sqlite3';
import type { AppService } from '../../../../electron/core/app-service.ts';
import { foundRun } from '../../support/found-run.ts';
import type { FoundRun } from '../../support/found-run.ts';
import { everyday10 } from '../../support/models.ts';
import { readManifest } from '../../../../electron/core/packages/read-package.ts';
import { saveRun } from '../../support/saved-run.ts';
import { AS_RUN, labelWorld } from './support.ts';

const labels = [{ name: 'fox' }, { name: 'Bär, groß' }, { name: 'roe deer' }];

const detector = (t: TestContext): Promise<FoundRun> =>
  foundRun(t, 'detection', labels, {
    'shore/a/1.png': {
      detections: [
        [0, 0.875, 4, 5, 10, 8],
        [1, 0.625, 20, 6, 25.5, 30.25],
        [0, 0.55, 1, 2, 3, 4],
      ],
    },
    'shore/a/2.png': { detections: [] },
    'shore/b/1.png': { detections: [[2, 0.75, 0, 0, 48, 40]] },
    'shore/b/3.png': 'failed',
  });

/** Exports a run, takes the export in as a run of another tool, and exports that in the same way. */
async function thereAndBack(
  { app, root, runId }: Pick<FoundRun, 'app' | 'root' | 'runId'>,
  format: string,
  folder: string,
): Promise<{ first: string; second: string; runId: number }> {
  const [first, second] = [1, 2].map((number) => join(root, `${format}-${number}`));
  await app.exportRun({ runId, format, out: withEnding(first ?? '', format) });
  const path = withEnding(first ?? '', format);
  const imported = await app.importLabels({ path, folder, purpose: AS_RUN });
  assert.deepEqual(imported.report.skipped, []);
  assert.equal(imported.report.unmatched.count, 0);
  await app.exportRun({ runId: imported.runId, format, out: withEnding(second ?? '', format) });
  return { first: path, second: withEnding(second ?? '', format), runId: imported.runId };
}

const ENDINGS: Record<string, string> = {
  coco: '.json',
  megadetector: '.json',
  json: '.json',
  csv: '.csv',
  detections: '.csv',
};
const withEnding = (path: string, format: string) => path + (ENDINGS[format] ?? '');

const filesOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(folder.length), readFileSync(path, 'latin1')]),
  );

suite('what Winnow exports comes in again as it was', () => {
  test('COCO, with its masks', async (t) => {
    const run = await detector(t);
    const { first, second } = await thereAndBack(run, 'coco', join(run.root, 'shore'));
    const read = (path: string) => {
      const content = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
      return Object.entries(content).filter(([key]) => key !== 'info');
    };
    assert.deepEqual(read(second), read(first));
    assert.match(readFileSync(first, 'utf8'), /"counts"/);
  });

  test('MegaDetector, with its failures', async (t) => {
    const run = await detector(t);
    const { first, second } = await thereAndBack(run, 'megadetector', join(run.root, 'shore'));
    const read = (path: string) => {
      const content = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
      return Object.entries(content).filter(([key]) => key !== 'info');
    };
    assert.deepEqual(read(second), read(first));
  });

  test('a failure in the words of the tool, by every format that has failures', async (t) => {
    const { put, run, app, root } = await labelWorld(t, ['a.png', 'b.png', 'c.png']);
    const failures = {
      'a.png': 'Failure inference',
      'b.png': 'Failure image access',
      'c.png': 'out of memory',
    };
    const images = Object.entries(failures).map(([file, failure]) => ({ file, failure, detections: null }));
    const path = put('md.json', JSON.stringify({ images, detection_categories: { 1: 'animal' } }));
    const { runId, report } = await run(path);
    assert.deepEqual([report.failed, report.skipped], [3, []]);
    const first = join(root, 'first.json');
    await app.exportRun({ runId, format: 'megadetector', out: first });
    const written = (file: string) => (JSON.parse(readFileSync(file, 'utf8')) as { images: unknown }).images;
    assert.deepEqual(written(first), images);
    for (const format of ['json', 'csv']) {
      const out = join(root, `table.${format}`);
      await app.exportRun({ runId, format, out });
      const again = await run(out);
      const back = join(root, `back-${format}.${format}`);
      await app.exportRun({ runId: again.runId, format, out: back });
      for (const reason of Object.values(failures))
        assert.ok(readFileSync(back, 'utf8').includes(reason), format);
    }
  });

  test('what failed here, as MegaDetector calls it: the access to a picture, or the model', async (t) => {
    const { app, root, runId, libraryPath } = await detector(t);
    const database = new Database(libraryPath);
    database.prepare("UPDATE results SET problem = 'damaged' WHERE status = 'failed'").run();
    const failureIn = async (name: string) => {
      const out = join(root, name);
      await app.exportRun({ runId, format: 'megadetector', out });
      const { images } = JSON.parse(readFileSync(out, 'utf8')) as { images: { failure?: string }[] };
      return images.flatMap(({ failure }) => failure ?? []);
    };
    assert.deepEqual(await failureIn('damaged.json'), ['Failure image access']);
    database.prepare("UPDATE results SET problem = 'notANumber' WHERE status = 'failed'").run();
    database.close();
    assert.deepEqual(await failureIn('model.json'), ['Failure inference']);
  });

  for (const format of ['yolo', 'voc'])
    test(format, async (t) => {
      const run = await detector(t);
      const { first, second } = await thereAndBack(run, format, join(run.root, 'shore'));
      assert.deepEqual(filesOf(second), filesOf(first));
      assert.ok(Object.keys(filesOf(first)).length >= 3);
    });

  test('detections.csv, but for the names of model and preset', async (t) => {
    const run = await detector(t);
    const { first, second } = await thereAndBack(run, 'detections', join(run.root, 'shore'));
    const read = (path: string) =>
      readFileSync(path, 'utf8')
        .split('\r\n')
        .filter((line) => !line.startsWith('b/3.png')) // that failed, which this table does not say
        .map((line) =>
          line.replace(/(true|false),(finder|other),(accurate)?,/, '$1,,,').replace(/,\d+,false/, ',,false'),
        );
    assert.deepEqual(read(second).map(withoutMask), read(first).map(withoutMask));
  });

  test('PNG class maps', async (t) => {
    const run = await foundRun(t, 'segmentation', labels, {
      'shore/a/1.png': {
        regions: [
          [0, 0, 0, 20, 40],
          [2, 20, 0, 28, 40],
        ],
      },
      'shore/a/2.png': { regions: [[1, 0, 0, 48, 40]] },
    });
    const { first, second, runId } = await thereAndBack(run, 'maps', join(run.root, 'shore'));
    assert.deepEqual(filesOf(second), filesOf(first));
    const evaluation = await run.app.evaluateFound({ runId, truth: first });
    assert.equal(evaluation.task === 'segmentation' && evaluation.meanIou, 1);
  });

  for (const format of ['csv', 'json'])
    test(`${format} of a classifier, with failures and all five classes`, async (t) => {
      const { app, root, runId, folder } = await classified(t);
      const { first, second } = await thereAndBack({ app, root, runId }, format, folder);
      assert.deepEqual(predictionsIn(second, format), predictionsIn(first, format));
      assert.equal(Object.keys(predictionsIn(first, format)).length, 3);
    });

  test('reviews of CSV and JSON, each as what the person said', async (t) => {
    const { app, root, runId, ids, folder } = await classified(t);
    const say = (path: string, label: string) =>
      app.review({ runId, imageIds: [ids[path] ?? 0], verdict: { kind: 'label', label } });
    await say('1.jpg', 'frog');
    await say('b/2.jpg', 'an own one');
    for (const format of ['csv', 'json']) {
      const out = join(root, `reviews.${format}`);
      await app.exportRun({ runId, format, out });
      await app.undoReview({});
      await app.undoReview({});
      const { report, changed } = await app.importLabels({
        path: out,
        folder,
        purpose: { kind: 'reviews', by: 'Ada' },
      });
      assert.equal(changed, 2);
      assert.deepEqual(
        report.skipped.map(({ reason, count }) => [reason, count]),
        [['notReviewed', 1]],
      );
      const { humanLabel, reviewedBy } = await app.showImage({ runId, imageId: ids['b/2.jpg'] ?? 0 });
      assert.deepEqual([humanLabel, reviewedBy], ['an own one', 'Ada']);
      assert.equal((await app.showImage({ runId, imageId: ids['1.jpg'] ?? 0 })).humanLabel, 'frog');
      assert.equal((await app.undoReview({}))?.description, 'Take in 2 reviews of Ada');
      await say('1.jpg', 'frog');
      await say('b/2.jpg', 'an own one');
    }
  });
});

/** Of a line, without the pixels of its mask: this table has no masks. */
function withoutMask(line: string): string {
  const cells = line.split(',');
  cells.splice(12, 1);
  return cells.join(',');
}

async function classified(
  t: TestContext,
): Promise<{ app: AppService; root: string; runId: number; ids: Record<string, number>; folder: string }> {
  const { app, root, libraryPath } = await foundRun(t, 'detection', labels, {
    'pictures/none.png': 'pending',
  });
  const folder = join(root, 'others');
  const manifest = await readManifest(everyday10);
  const { runId, ids } = saveRun(
    libraryPath,
    folder,
    { name: 'm', manifest },
    {
      '1.jpg': { classes: [3, 1, 4, 5, 9], confidence: [0.5, 0.25, 0.125, 0.0625, 0.03125] },
      'b/2.jpg': { classes: [0, 1], confidence: 0.75 },
      'b/3.jpg': 'failed',
    },
  );
  const { mkdirSync } = await import('node:fs');
  mkdirSync(folder);
  return { app, root, runId, ids, folder };
}

/** Of each file its status and classes with their confidences. */
function predictionsIn(path: string, format: string): Record<string, unknown> {
  const text = readFileSync(path, 'utf8');
  if (format === 'json') {
    const { files } = JSON.parse(text) as { files: Record<string, unknown>[] };
    return Object.fromEntries(
      files.map(({ relative_path: name, status, predictions }) => [
        String(name),
        [
          status,
          (predictions as { label: string; confidence: number }[]).map(({ label, confidence }) => [
            label,
            confidence,
          ]),
        ],
      ]),
    );
  }
  const [header = '', ...lines] = text.trimEnd().split('\r\n');
  const columns = header.split(',');
  const wanted = (cells: string[]) =>
    cells.filter((_, index) => /^(status|predicted_label|confidence)/.test(columns[index] ?? ''));
  return Object.fromEntries(lines.map((line) => [line.split(',')[0] ?? '', wanted(line.split(','))]));
}

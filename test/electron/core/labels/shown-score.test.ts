import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { labelWorld, skipped } from './support.ts';

const NAMES = ['a.png', 'b.png', 'c.png'];
const SAID = /^The file says that boxes count from a score of 0\.2 on: /;

/** Results of MegaDetector: a box in each picture, with these scores, which a classifier has labelled too where it says so. */
function results(scores: readonly number[], metadata: unknown, classified = false): string {
  const images = NAMES.map((file, index) => ({
    file,
    detections: [
      {
        category: '1',
        conf: scores[index],
        bbox: [0.1, 0.1, 0.5, 0.5],
        ...(classified && { classifications: [['4', 0.5]] }),
      },
    ],
  }));
  return JSON.stringify({
    info: { format_version: '1.4', detector: 'md_v5a', detector_metadata: metadata },
    images,
    detection_categories: { 1: 'animal' },
    ...(classified && { classification_categories: { 4: 'fox' } }),
  });
}

const threshold = (score: unknown) => ({ typical_detection_threshold: score });

suite('the score from which on boxes count, as a file of MegaDetector states it', () => {
  test('is that from which on a run of one model shows them, in views, counts and exports; every box is kept', async (t) => {
    const { put, run, inspect, app, root } = await labelWorld(t, NAMES);
    const path = put('md.json', results([0.9, 0.3, 0.1], threshold(0.2)));
    const dry = await inspect(path);
    assert.deepEqual([dry.minScore, dry.boxes, skipped(dry)], [0, 3, {}]);
    assert.match(dry.notices.join(), SAID);
    const { runId, found } = await run(path);
    assert.equal(Object.values(found).flatMap(({ boxes }) => boxes).length, 3);
    const shown = await app.findImages({ runId, filter: { contains: ['animal'] }, sort: 'path' });
    assert.equal(shown.imageIds.length, 2);
    assert.deepEqual(
      (await app.listRuns({})).map(({ blank }) => blank),
      [1],
    );
    assert.deepEqual(
      (await app.listFolders({})).map(({ labelled, blank }) => [labelled, blank]),
      [[2, 1]],
    );
    const again = join(root, 'again.json');
    await app.exportRun({ runId, format: 'megadetector', out: again });
    const written = JSON.parse(readFileSync(again, 'utf8')) as { info: object; images: { detections: [] }[] };
    assert.deepEqual((written.info as { detector_metadata: unknown }).detector_metadata, threshold(0.2));
    assert.deepEqual(
      written.images.map(({ detections }) => detections.length),
      [1, 1, 0],
    );
  });

  test('is that below which boxes that a classifier labelled are left out, as in runs that find first here', async (t) => {
    const { put, run, inspect, app } = await labelWorld(t, NAMES);
    const path = put('md.json', results([0.9, 0.3, 0.1], threshold(0.2), true));
    const dry = await inspect(path);
    assert.deepEqual([dry.minScore, dry.boxes, skipped(dry)], [0.2, 2, { belowScore: 1 }]);
    assert.match(dry.notices.join(), SAID);
    const { runId } = await run(path);
    const { spec } = await app.showRun({ runId }).then((shown) => shown.run);
    assert.equal(spec.find?.minScore, 0.2);
    const shown = await app.findImages({ runId, filter: { contains: ['fox'] }, sort: 'path' });
    assert.equal(shown.imageIds.length, 2); // though both scores make 0.15 together in one
    assert.deepEqual(
      (await app.listFolders({})).map(({ labelled, blank }) => [labelled, blank]),
      [[2, 1]],
    );
    const all = await inspect(path, { minScore: 0 });
    assert.deepEqual([all.minScore, all.boxes, skipped(all), all.notices], [0, 3, {}, []]);
  });

  test('is that below which boxes do not become reviews', async (t) => {
    const { put, run, inspect } = await labelWorld(t, NAMES);
    const path = put('md.json', results([0.9, 0.3, 0.1], threshold(0.2)));
    const { runId } = await run(path);
    const purpose = { kind: 'reviews' as const, by: 'Ada', runId };
    const dry = await inspect(path, { purpose });
    assert.deepEqual([dry.minScore, dry.boxes, skipped(dry)], [0.2, 2, { belowScore: 1 }]);
    const plain = await inspect(put('plain.json', results([0.9, 0.3, 0.1], undefined)), { purpose });
    assert.deepEqual([plain.minScore, plain.boxes, plain.notices], [0.5, 1, []]);
  });

  test('is passed over where it is none, and what else is said beside it holds', async (t) => {
    const { put, run, app } = await labelWorld(t, NAMES);
    for (const metadata of [threshold('0.2'), threshold(1.5), threshold(-1), threshold(null), [], 0.2]) {
      const { runId, report } = await run(put('md.json', results([0.9, 0.3, 0.1], metadata, true)));
      assert.deepEqual([report.minScore, report.boxes, report.notices], [0, 3, []]);
      const { spec } = await app.showRun({ runId }).then((shown) => shown.run);
      assert.deepEqual([spec.find?.minScore, spec.find?.modelName], [0, 'md_v5a']);
    }
  });

  test('comes back from what Winnow writes with every box, however many digits scores have', async (t) => {
    const { put, run, inspect, app, root } = await labelWorld(t, NAMES);
    const path = put('md.json', results([0.333341, 0.333339, 0.9], threshold(0.333338), true));
    const { runId, report } = await run(path);
    assert.equal(report.boxes, 3);
    const out = join(root, 'out.json');
    await app.exportRun({ runId, format: 'megadetector', out });
    const again = await inspect(out);
    assert.deepEqual([again.boxes, skipped(again)], [3, {}]);
  });
});

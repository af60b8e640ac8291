import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { HumanBox, Verdict } from '../../../electron/shared/api/review.ts';
import type { ResultFilter } from '../../../electron/shared/api/results.ts';
import { detectorManifest } from './found.ts';
import { manifestWith, saveRun } from './saved-run.ts';
import { testApp } from './test-app.ts';

export const SEARCHED_LABELS = ['cat', 'dog', 'bus'].map((name) => ({ name }));

/** A person's boxes as the verdict on an image. */
export const boxes = (...marked: HumanBox[]): Verdict => ({ kind: 'boxes', boxes: marked });

/**
 * An app over a run of a detection model and one of a classifier on the same images. Found: a dog and a cat in a.jpg, nothing
 * in b.jpg, a doubtful cat in c.jpg.
 */
export async function searchedRun(t: TestContext) {
  const home = testApp(t);
  const model = { name: 'finder', manifest: await detectorManifest(SEARCHED_LABELS) };
  const { runId, ids } = saveRun(home.libraryPath, home.folder, model, {
    'a.jpg': {
      detections: [
        [1, 0.9, 12, 10, 12, 20],
        [0, 0.6, 24, 10, 12, 20],
        [1, 0.3, 0, 0, 48, 40],
      ],
    },
    'b.jpg': { detections: [] },
    'c.jpg': { detections: [[0, 0.4, 0, 0, 24, 40]] },
    'd.jpg': 'failed',
    'e.jpg': 'pending',
  });
  const classifier = { name: 'classifier', manifest: await manifestWith(SEARCHED_LABELS) };
  const other = saveRun(home.libraryPath, home.folder, classifier, {
    'a.jpg': { classes: [0] },
    'b.jpg': { classes: [2] },
  });
  writeFileSync(join(home.folder, 'a.jpg'), 'x');
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = Object.values(ids);
  const find = async (filter: ResultFilter) => [
    ...(await home.app.findImages({ runId, filter, sort: 'path' })).imageIds,
  ];
  const review = (verdict: Verdict, ...imageIds: number[]) => home.app.review({ runId, imageIds, verdict });
  return { ...home, runId, otherRunId: other.runId, a, b, c, d, e, find, review };
}

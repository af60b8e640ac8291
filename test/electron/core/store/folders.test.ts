import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Library } from '../../../../electron/core/store/library.ts';
import { detectorManifest } from '../../support/found.ts';
import { manifestWith, saveRun } from '../../support/saved-run.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const LABELS = [{ name: 'fox' }, { name: 'hare' }];

test('folders are counted together as one by one: labelled in any run, blank in all, verified as anything', async (t) => {
  const path = join(temporaryFolder(t), 'library.db');
  const classifier = { name: 'classifier', manifest: await manifestWith(LABELS) };
  const detector = { name: 'detector', manifest: await detectorManifest(LABELS) };
  const fox = { classes: [0], confidence: 0.9 };
  const seen = (score: number) => ({
    detections: [[0, score, 1, 1, 5, 5] as [number, number, number, number, number, number]],
  });
  const { ids } = saveRun(path, '/found', detector, {
    'sure.jpg': seen(0.8),
    'unsure.jpg': seen(0.3),
    'nothing.jpg': { detections: [] },
    'named.jpg': seen(0.3),
    'emptied.jpg': seen(0.8),
    'gone.jpg': seen(0.8),
    'broken.jpg': 'failed',
  });
  saveRun(path, '/both', detector, { 'a.jpg': seen(0.3), 'b.jpg': seen(0.3), 'c.jpg': 'pending' });
  saveRun(path, '/both', classifier, { 'a.jpg': fox, 'b.jpg': 'failed', 'c.jpg': 'pending' });
  const library = Library.open(path);
  t.after(() => library.close());
  library.folders.ensure('/empty');
  const label = (name: string, label: string) =>
    library.transaction(() =>
      library.reviewHistory.change(
        1,
        [ids[name] ?? 0],
        { kind: 'label', label },
        '2026-01-01T00:00:00Z',
        String,
      ),
    );
  label('named.jpg', 'hare');
  label('emptied.jpg', '');
  label('broken.jpg', 'fox');
  library.transaction(() => library.images.markGone([ids['gone.jpg'] ?? 0], 1));
  const counted = library.folders.counted();
  assert.deepEqual(
    counted.map(({ path, images, labelled, blank, verified }) => [path, images, labelled, blank, verified]),
    [
      ['/both', 3, 1, 1, 0],
      ['/empty', 0, 0, 0, 0],
      ['/found', 6, 3, 3, 3],
    ],
  );
  for (const folder of counted) assert.deepEqual(library.folders.counted(folder.id), [folder]);
});

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { labelsFor } from '../../../../electron/core/checkpoint/labels.ts';
import { TrainingArgs } from '../../../../electron/core/checkpoint/training-args.ts';
import { keepToken } from '../../../../electron/serve/token-file.ts';
import { foundRun } from '../../support/found-run.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { testApp } from '../../support/test-app.ts';

/** A text as editors of Windows save it: with a byte order mark, and two characters at the ends of lines. */
const ofWindows = (text: string) => `\ufeff${text.replaceAll('\n', '\r\n')}`;

suite('every text that a person may have edited on Windows is read', () => {
  test('a list of labels, with ids, synsets and colours', async (t) => {
    const path = join(temporaryFolder(t), 'labels.tsv');
    writeFileSync(path, ofWindows('n01440764\ttench\t#FF8000\n7\tgreat white shark\nred fox\t#00ff00\n\n'));
    const nothing = { args: new TrainingArgs(new Map()), labels: undefined };
    assert.deepEqual(await labelsFor({ task: 'classification', classes: 3 }, path, nothing), [
      { name: 'tench', synset: 'n01440764', colour: '#ff8000' },
      { name: 'great white shark', id: 7 },
      { name: 'red fox', colour: '#00ff00' },
    ]);
  });

  test('the settings', async (t) => {
    const { app, events, libraryPath } = testApp(t);
    const settings = JSON.stringify({ ...(await app.settings({})), threads: 3 }, undefined, 2);
    writeFileSync(join(dirname(libraryPath), 'settings.json'), ofWindows(settings));
    assert.equal((await app.settings({})).threads, 3);
    assert.deepEqual(events, []);
  });

  test("COCO's annotations, whose paths may have Windows' separators, too", async (t) => {
    const { app, runId, root } = await foundRun(t, 'detection', [{ name: 'fox' }], {
      'woods/a.png': { size: [100, 80], detections: [[0, 0.9, 10, 10, 40, 30]] },
    });
    const truth = join(root, 'truth.json');
    const content = {
      images: [{ id: 1, file_name: 'woods\\a.png', width: 100, height: 80 }],
      annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [10, 10, 40, 30], area: 1200, iscrowd: 0 }],
      categories: [{ id: 1, name: 'fox' }],
    };
    writeFileSync(truth, ofWindows(JSON.stringify(content, undefined, 2)));
    const evaluation = await app.evaluateFound({ runId, truth });
    assert.ok(evaluation.task === 'detection');
    assert.equal(evaluation.box.ap, 1);
  });

  test('the token of the window', (t) => {
    const path = join(temporaryFolder(t), 'serve-token');
    const { token } = keepToken(path);
    writeFileSync(path, `${token}\r\n`);
    assert.deepEqual(keepToken(path), { token, notice: undefined });
  });
});

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { winnow } from '../support/command-line.ts';
import { foundRun } from '../support/found-run.ts';

const EVIL = 'fox\u001b[2J\u009b31m\u202e';
const COMMANDS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;

suite(
  'what commands print of names that hold commands for the terminal',
  { skip: process.platform === 'win32' },
  () => {
    test('is escaped in tables, errors and notices', async (t) => {
      const { root, app } = await foundRun(t, 'detection', [{ name: EVIL }], {
        [`woods/${EVIL}.png`]: { detections: [[0, 0.9, 6, 4, 24, 20]] },
      });
      await app.close();
      const truth = join(root, 'truth.json');
      writeFileSync(
        truth,
        JSON.stringify({
          images: [
            { id: 1, file_name: `${EVIL}.png` },
            { id: 2, file_name: `gone ${EVIL}` },
          ],
          categories: [{ id: 1, name: EVIL }],
          annotations: [{ image_id: 1, category_id: 1, bbox: [6, 4, 24, 20] }],
        }),
      );
      const commands = [
        ['show', '1'],
        ['runs'],
        ['evaluate', '--run', '1', '--annotations', truth],
        ['models', 'show', EVIL],
        ['export', '1', '--format', EVIL, '--out', 'x'],
        [EVIL],
      ];
      for (const args of commands) {
        const { stdout, stderr } = await winnow(root, ...args);
        assert.doesNotMatch(stdout, COMMANDS, args[0]);
        assert.doesNotMatch(stderr, COMMANDS, args[0]);
      }
      const { stderr } = await winnow(root, 'models', 'show', EVIL);
      assert.ok(stderr.includes('fox\\u001b[2J\\u009b31m\\u202e'), stderr);
    });

    test('is left as it is where programs read it', async (t) => {
      const { root, app } = await foundRun(t, 'detection', [{ name: EVIL }], {
        [`woods/${EVIL}.png`]: { detections: [[0, 0.9, 6, 4, 24, 20]] },
      });
      await app.close();
      const { stdout, code } = await winnow(root, 'export', '1', '--format', 'json', '--out', '-');
      assert.equal(code, 0);
      assert.ok(JSON.stringify(JSON.parse(stdout)).includes(JSON.stringify(EVIL).slice(1, -1)), stdout);
    });
  },
);

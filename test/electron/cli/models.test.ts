import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { detectionCheckpoint, segmentationCheckpoint } from '../core/checkpoint/tiny-model.ts';
import { saveZip } from '../core/checkpoint/torch-save.ts';
import { winnow } from '../support/command-line.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

suite('winnow models import', () => {
  test('of a detection model asks how directions are added, and takes the answer', async (t) => {
    const data = temporaryFolder(t);
    const file = join(data, 'model.pth');
    writeFileSync(file, saveZip(detectionCheckpoint()));
    const asked = await winnow(data, 'models', 'import', file, '--name', 'boxes');
    assert.deepEqual([asked.code, asked.stdout], [1, '']);
    assert.match(
      asked.stderr,
      /whether a block halves the sum .*\nSay which: --directions halved or --directions summed\.\n$/,
    );
    const odd = await winnow(data, 'models', 'import', file, '--name', 'boxes', '--directions', 'both');
    assert.equal(odd.code, 2);
    for (const [directions, text] of [
      ['halved', 'their sum halved'],
      ['summed', 'summed'],
    ] as const) {
      const told = await winnow(
        data,
        'models',
        'import',
        file,
        '--name',
        directions,
        '--directions',
        directions,
      );
      assert.match(told.stdout, /: detection on vim, width 8, depth 4, 32 px, 2 classes\.\n/);
      const { stdout } = await winnow(data, 'models', 'show', directions);
      assert.match(stdout, new RegExp(`^Scan directions  both in every block; ${text}$`, 'm'));
    }
  });

  test('of a segmentation model takes labels with colours from a file', async (t) => {
    const data = temporaryFolder(t);
    const file = join(data, 'model.pth');
    const labels = join(data, 'labels.tsv');
    writeFileSync(file, saveZip(segmentationCheckpoint()));
    writeFileSync(labels, 'sky\t#0000ff\nsea\nsand\nboat\nbird\n');
    const settings = ['--labels', labels, '--token-keep', '0.5', '--pruning-layers', '1'];
    assert.equal((await winnow(data, 'models', 'import', file, '--name', 'beach', ...settings)).code, 0);
    assert.match((await winnow(data, 'models', 'list')).stdout, /^beach +segmentation on vim, width 8/m);
    assert.match((await winnow(data, 'models', 'show', 'beach')).stdout, /^Labels +sky, sea, sand, \.\.\.$/m);
  });
});

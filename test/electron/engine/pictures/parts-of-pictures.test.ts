import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { loadAddon } from '../../../../electron/engine/addon.ts';
import { prepareDecoder } from '../../../../electron/engine/pictures/decode-image.ts';
import { PictureTrainer } from '../../../../electron/engine/predict/picture-trainer.ts';
import { everyday10 } from '../../support/models.ts';
import { drawFolder } from '../../support/pictures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('a part of a picture is to a training what a file with the same pixels is', async (t) => {
  const folder = temporaryFolder(t);
  await drawFolder(folder, 2);
  const path = join(folder, '001.jpg');
  const box = { x: 5, y: 3, width: 30, height: 24 };
  const file = join(folder, 'part.png');
  await sharp(path).extract({ left: 5, top: 3, width: 30, height: 24 }).png().toFile(file);
  const trainer = new PictureTrainer(loadAddon(), prepareDecoder());
  const wanted = [{ path, box }, file, path];
  const [part, same, whole] = await trainer.inspect(wanted, { resize: 32, keep: true });
  assert.ok(part !== undefined && same !== undefined && whole !== undefined);
  assert.ok('dHash' in part && 'dHash' in same && 'dHash' in whole);
  assert.deepEqual([part.width, part.height, part.dHash], [30, 24, same.dHash]);
  assert.notEqual(part.dHash, whole.dHash);
  assert.equal(part.sha256, whole.sha256); // of the file: parts of one stay on one side
  const dial = { tokenKeep: [1, 1, 1], blockThreshold: 0.5 };
  const [one, other, all] = await trainer.predict(everyday10, wanted, dial);
  assert.ok(one !== undefined && 'top' in one);
  assert.deepEqual(one, other);
  assert.notDeepEqual(one, all);
});

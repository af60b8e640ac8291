import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import sharp from 'sharp';
import { EngineClient } from '../../../../electron/engine/hosts/engine-client.ts';
import { encodeRuns } from '../../../../electron/shared/mask.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const WIDTH = 60;
const HEIGHT = 40;

/** A picture that is 10 x red in x and 5 x green in y, whose EXIF turns it: upright it is WIDTH x HEIGHT. */
async function slope(t: TestContext): Promise<{ engine: EngineClient; path: string }> {
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 3);
  for (let y = 0; y < HEIGHT; y++)
    for (let x = 0; x < WIDTH; x++) pixels.set([x * 4, y * 5, 0], (y * WIDTH + x) * 3);
  const upright = sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
  const path = join(temporaryFolder(t), 'slope.png');
  writeFileSync(path, await upright.rotate(270).withMetadata({ orientation: 6 }).png().toBuffer());
  const engine = new EngineClient();
  t.after(() => engine.close());
  return { engine, path };
}

async function pixelsOf(bytes: Uint8Array) {
  const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => [
    ...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3),
  ];
  return { width: info.width, height: info.height, at };
}

test('the size of a picture is that of the upright one, whether its header is read alone or with the file', async (t) => {
  const { engine, path } = await slope(t);
  assert.deepEqual(await engine.pictures.size(path), { width: WIDTH, height: HEIGHT });
  const tiff = join(temporaryFolder(t), 'plain.tif');
  writeFileSync(tiff, await sharp(path).autoOrient().tiff().toBuffer());
  assert.deepEqual(await engine.pictures.size(tiff), { width: WIDTH, height: HEIGHT });
  await assert.rejects(engine.pictures.size(`${path}.none`), { code: 'BAD_IMAGE' });
});

suite('parts of a picture', () => {
  test('are what lies in each box of the upright picture', async (t) => {
    const { engine, path } = await slope(t);
    const [part, edge, beside] = await engine.pictures.crop(path, [
      { x: 20.4, y: 10, width: 19.2, height: 10 },
      { x: 50, y: 30, width: 100, height: 100 },
      { x: 60, y: 0, width: 5, height: 5 },
    ]);
    assert.ok(part && edge);
    assert.equal(beside, undefined);
    const { width, height, at } = await pixelsOf(part);
    assert.deepEqual([width, height], [20, 10]);
    const [red = 0, green = 0] = at(10, 5);
    assert.ok(Math.abs(red - 30 * 4) < 8 && Math.abs(green - 15 * 5) < 8, `${red} ${green}`);
    const corner = await pixelsOf(edge);
    assert.deepEqual([corner.width, corner.height], [10, 10]);
  });

  test('of a file that holds no picture are refused', async (t) => {
    const { engine, path } = await slope(t);
    writeFileSync(`${path}.txt`, 'text');
    await assert.rejects(engine.pictures.crop(`${path}.txt`, []), { code: 'BAD_IMAGE' });
    await assert.rejects(engine.pictures.overlay(`${path}.none`, []), { name: 'AppError' });
  });
});

suite('an overlay', () => {
  test('has the lines of boxes in their colours and masks half over the picture, all else as it was', async (t) => {
    const { engine, path } = await slope(t);
    const mask = encodeRuns([HEIGHT * 5, HEIGHT, WIDTH * HEIGHT - HEIGHT * 6]); // the column 5
    const bytes = await engine.pictures.overlay(path, [
      { colour: '#0000ff', box: { x: 20, y: 10, width: 20, height: 15 } },
      { colour: '#00ff00', counts: mask },
    ]);
    const { width, height, at } = await pixelsOf(bytes);
    assert.deepEqual([width, height], [WIDTH, HEIGHT]);
    for (const [x, y] of [
      [20, 10],
      [39, 24],
      [30, 10],
      [20, 17],
      [39, 17],
      [30, 24],
    ] as const)
      assert.deepEqual(at(x, y), [0, 0, 255]);
    for (const [x, y] of [
      [19, 10],
      [40, 24],
      [30, 17],
      [30, 9],
      [30, 25],
      [4, 7],
      [6, 7],
    ] as const)
      assert.deepEqual(at(x, y), [x * 4, y * 5, 0]);
    assert.deepEqual(at(5, 0), [10, 128, 0]);
    assert.deepEqual(at(5, 39), [10, Math.round((39 * 5 + 255) / 2), 0]);
  });

  test('names what it marks above the box, inside the picture', async (t) => {
    const { engine, path } = await slope(t);
    const box = { x: 30, y: 20, width: 20, height: 15 };
    const marks = [{ colour: '#ffffff', box, text: '<&>' }];
    const plain = await engine.pictures.overlay(path, [{ colour: '#ffffff', box }]);
    const named = await pixelsOf(await engine.pictures.overlay(path, marks));
    const { at } = await pixelsOf(plain);
    assert.deepEqual(named.at(10, 35), at(10, 35));
    const rows = [6, 8, 10, 12, 14, 16].map((y) => String(named.at(40, y)) !== String(at(40, y)));
    assert.ok(rows.includes(true), 'nothing is written above the box');
  });

  test('with a mask of another size is refused', async (t) => {
    const { engine, path } = await slope(t);
    await assert.rejects(engine.pictures.overlay(path, [{ colour: '#ffffff', counts: encodeRuns([0, 9]) }]), {
      code: 'BAD_ARGUMENT',
      message: `Expected a mask of the picture's 60 x 40 pixels, but got one of 9`,
    });
  });
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, suite, test } from 'node:test';
import { root } from '../../build/setup.mjs';

suite('golden', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'winnow-test-'));
  after(() => fs.rmSync(folder, { recursive: true }));

  /** What `npm run golden` answers for a directory whose config.json is `config`. */
  function golden(config: string): { status: number | null; stderr: string } {
    fs.writeFileSync(path.join(folder, 'config.json'), config);
    return spawnSync(process.execPath, [path.join(root, 'build/native/golden.ts'), folder], {
      encoding: 'utf8',
    });
  }

  for (const architecture of ['vim-seg-segformer', 'vim-det-retinanet', 'plain-mamba']) {
    test(`${architecture} is refused with one sentence`, () => {
      const { status, stderr } = golden(JSON.stringify({ architecture }));
      assert.equal(status, 1);
      assert.equal(
        stderr,
        `${folder}: models of the kind ${architecture} are not supported; Vim, VideoMamba and MambaReg classifiers, UperNet and Mask R-CNN are.\n`,
      );
    });
  }

  const WITHOUT_CHECKPOINT = [
    { architecture: 'vim-plain', config: {}, runs: { plain: null } },
    {
      architecture: 'dyvm-seg-upernet',
      config: { pruning_loc: [6, 12, 18], token_ratio: [0.8, 0.64, 0.512], divide_by_2: true },
    },
    {
      architecture: 'vim-det-mask-rcnn',
      config: { divide_by_2_in_pipeline: false },
      runs: { pipeline: 'in words' },
    },
  ];

  for (const config of WITHOUT_CHECKPOINT) {
    test(`a ${config.architecture} without a checkpoint is refused with one sentence`, () => {
      const { status, stderr } = golden(JSON.stringify(config));
      assert.equal(status, 1);
      assert.match(stderr, /^.*checkpoint\.pth.*\n$/);
    });
  }

  test('a damaged config.json is refused by name', () => {
    const { status, stderr } = golden('{ "architecture": ');
    assert.equal(status, 1);
    assert.match(stderr, /config\.json is not as expected/);
  });

  test('numbers that differ end with exit code 1', () => {
    const source = path.join(root, 'test/golden/vim-micro-cifar10');
    fs.cpSync(source, folder, { recursive: true });
    const file = path.join(folder, 'expected.safetensors');
    const bytes = fs.readFileSync(file);
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE()))) as Record<
      string,
      { data_offsets: [number, number] }
    >;
    const start = 8 + Number(bytes.readBigUInt64LE()) + (header['plain/logits']?.data_offsets[0] ?? 0);
    bytes.writeFloatLE(bytes.readFloatLE(start) + 1, start);
    fs.writeFileSync(file, bytes);
    const config = fs.readFileSync(path.join(source, 'config.json'), 'utf8');
    assert.equal(golden(config).status, 1);
  });
});

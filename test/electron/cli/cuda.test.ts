import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { releaseBuild, root } from '../../../build/setup.mjs';
import { winnow } from '../support/command-line.ts';
import { setVariables } from '../support/environment.ts';
import { everyday10, sampleImages } from '../support/models.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { readCsv } from '../support/csv.ts';

const built = join(root, releaseBuild.folder);
/** Stand-ins for NVIDIA's driver and for cuBLASLt, native/test/cuda/fake: their kernels run on the processor. */
const driver = join(built, 'libfake-cuda.so');
const cublaslt = join(built, 'libfake-cublaslt.so');
const skip = existsSync(driver) ? false : 'nvcc is not installed';

function useFakeDriver(t: TestContext, variables: Record<string, string> = {}): void {
  setVariables(t, { WINNOW_CUDA_DRIVER: driver, WINNOW_CUBLASLT: cublaslt, ...variables });
}

async function devices(t: TestContext): Promise<string> {
  const { stdout, code } = await winnow(temporaryFolder(t), 'devices');
  assert.equal(code, 0);
  return stdout;
}

suite('the library for NVIDIA GPUs in the product', { skip }, () => {
  test('no driver: one sentence', async (t) => {
    setVariables(t, { WINNOW_CUDA_DRIVER: '/nowhere/libcuda.so.1' });
    assert.match(
      await devices(t),
      /\ncuda is not used: No NVIDIA driver was found \(libcuda\.so\.1\): install one to use an NVIDIA GPU\.\n$/,
    );
  });

  test('a driver without a GPU: one sentence', async (t) => {
    useFakeDriver(t, { FAKE_CUDA_INIT: '100' });
    assert.match(await devices(t), /\ncuda is not used: The NVIDIA driver sees no GPU\.\n$/);
  });

  test('an old driver: what it supports, what is needed, what to do', async (t) => {
    useFakeDriver(t, { FAKE_CUDA_VERSION: '11040' });
    assert.match(
      await devices(t),
      /\ncuda is not used: The NVIDIA driver 470\.65\.06 supports CUDA 11\.4, and Winnow needs 1\d\.0: update it to \d+ or newer\.\n$/,
    );
  });

  test('a GPU that passes its trial is used by a run, and its labels are the processor’s', async (t) => {
    useFakeDriver(t, { FAKE_CUDA_DEVICES: '90,61' });
    const data = temporaryFolder(t);
    const listed = (await winnow(data, 'devices')).stdout;
    assert.match(listed, /^cuda:0 +yes +bf16 +CUDA +.*Fake GPU 0; cuBLASLt 13\.1$/m);
    assert.match(listed, /^cuda:1 is not used: Its architecture is sm_61, and Winnow needs sm_75 .*\.$/m);
    const labels = async (device: string) => {
      const file = join(temporaryFolder(t), 'labels.csv');
      const options = ['--model', everyday10, '--preset', 'accurate', '--device', device, '--csv', file];
      const { code, stderr } = await winnow(data, 'run', sampleImages, ...options);
      assert.equal(code, 0, stderr);
      const rows = readCsv(file);
      return rows.map(({ relative_path, label }) => [relative_path, label]);
    };
    const expected = await labels('cpu');
    assert.equal(expected.length, 12);
    assert.ok(expected.every(([path, label]) => path && label));
    assert.deepEqual(await labels('cuda:0'), expected);
  });

  const runOnGpu = (data: string, batch: string) =>
    winnow(data, 'run', sampleImages, '--model', everyday10, '--device', 'cuda:0', '--batch', batch);

  test('a run whose GPU is lost goes on with the processor, says so, and loses nothing', async (t) => {
    useFakeDriver(t, { FAKE_CUDA_LAUNCHES: '600' }); // more than the trial needs, fewer than the run
    const { stdout, code } = await runOnGpu(temporaryFolder(t), '1');
    assert.equal(code, 0);
    assert.match(
      stdout,
      /Note: cuda:0 was lost \(Fake GPU 0 was lost: unspecified launch failure\); the run goes on with cpu\./,
    );
    assert.match(stdout, /Run 1 is done: 12 images labelled, 0 failed\./);
  });

  test('a run whose batches are too large for the GPU goes on with smaller ones, and says so', async (t) => {
    useFakeDriver(t);
    const data = temporaryFolder(t);
    await winnow(data, 'devices'); // it passes its trial, which needs more
    useFakeDriver(t, { FAKE_CUDA_MEMORY: String(36 << 20) }); // room for the library, the model and some pictures
    const { stdout, code } = await runOnGpu(data, '12');
    assert.equal(code, 0);
    assert.match(
      stdout,
      /Note: cuda:0 has too little memory for 12 images at a time, so it goes on with 6\./,
    );
    assert.match(stdout, /Run 1 is done: 12 images labelled, 0 failed\./);
  });

  test('without cuBLASLt the built-in kernel multiplies, and says so', async (t) => {
    useFakeDriver(t, { WINNOW_CUBLASLT: '/nowhere' });
    assert.match(
      await devices(t),
      /^cuda:0 +yes .*the built-in kernel, as library libcublasLt\.so\.13 not found$/m,
    );
  });

  for (const golden of ['dyvm-vim-micro-cifar10', 'vim-micro-cifar10', 'dyvm-vim-odd-random']) {
    test(`golden numbers of ${golden}`, (t) => {
      useFakeDriver(t);
      const directory = join(root, 'test/golden', golden);
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [join(root, 'build/native/golden.ts'), directory, '--device', 'cuda:0'],
        { encoding: 'utf8' },
      );
      assert.equal(status, 0, stdout + stderr);
      assert.match(stdout, /on cuda:0 in bf16/);
    });
  }
});

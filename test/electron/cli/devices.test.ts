import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite, test } from 'node:test';
import { describeDevices } from '../../../electron/cli/devices.ts';
import { winnow } from '../support/command-line.ts';
import { setVariables } from '../support/environment.ts';
import { gpu } from '../support/gpus.ts';
import { drawFolder } from '../support/pictures.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Holds a GPU library without a driver, native/test/engine/fake_gpu_library.cc. */
const libraries = fileURLToPath(new URL('../../../out/native/fake-gpu', import.meta.url));
const skip = existsSync(libraries) ? false : 'the native tests are not built';

suite('winnow devices', () => {
  test('says why there is no GPU where no library knows one', async (t) => {
    setVariables(t, { WINNOW_GPU_LIBRARIES: temporaryFolder(t) });
    const { stdout, code } = await winnow(temporaryFolder(t), 'devices');
    assert.equal(code, 0);
    assert.match(stdout, /^DEVICE +USABLE +PRECISIONS +DESCRIPTION\ncpu +yes +fp32/);
    assert.match(stdout, /\nThere is no GPU to use: the libraries that know their drivers .*\n$/);
  });

  test('says why there is no GPU where no driver is found', { skip }, async (t) => {
    setVariables(t, { WINNOW_GPU_LIBRARIES: libraries, WINNOW_FAKE_GPUS: '0' });
    const { stdout } = await winnow(temporaryFolder(t), 'devices');
    assert.match(stdout, /^cuda +no +bf16$/m);
    assert.match(stdout, /\ncuda is not used: No driver was found: there is none\.\n$/);
  });

  test('survives a driver that crashes, and a run does too', { skip }, async (t) => {
    setVariables(t, { WINNOW_GPU_LIBRARIES: libraries, WINNOW_FAKE_GPUS: '1', WINNOW_FAKE_GPU: 'crash' });
    const data = temporaryFolder(t);
    const { stdout, code } = await winnow(data, 'devices');
    assert.equal(code, 0);
    assert.match(stdout, /^cpu +yes/m);
    assert.match(stdout, /\ngpu is not used: The search for GPUs failed: .*SIGABRT/);
    await drawFolder(`${data}/pictures`, 2);
    assert.match(
      (await winnow(data, 'run', `${data}/pictures`)).stdout,
      /is done: 2 images labelled, 0 failed/,
    );
  });

  test('lists every GPU with what is known of it, and why one is not used', { skip }, async (t) => {
    setVariables(t, { WINNOW_GPU_LIBRARIES: libraries, WINNOW_FAKE_GPUS: '2', WINNOW_FAKE_GPU: 'old' });
    const data = temporaryFolder(t);
    const { stdout } = await winnow(data, 'devices');
    assert.match(stdout, /^DEVICE +USABLE +PRECISIONS +BACKEND +MEMORY +DRIVER +DESCRIPTION$/m);
    assert.match(
      stdout,
      /^cuda:0 +no +bf16 +CUDA +6 GB free of 8 GB +driver 1\.0 +Fake 0; built-in kernel$/m,
    );
    assert.match(stdout, /^cuda:0 is not used: Its driver 0\.9 is older than 1\.0\.$/m);
    // The fake library opens no device, so the other one cannot pass.
    assert.match(stdout, /^cuda:1 +no /m);
    assert.match(stdout, /^cuda:1 is not used: It did not pass its trial: .*\.$/m);
    const { code, stderr } = await winnow(data, 'run', data, '--device', 'cuda:0');
    assert.equal(code, 2);
    assert.match(stderr, /^winnow: The device cuda:0 cannot be used: Its driver 0\.9 is older than 1\.0\.\n/);
  });

  test('says how several GPUs are used', () => {
    const text = describeDevices([gpu('cuda:0'), gpu('cuda:1'), gpu('cuda:2', {}, 'It is ill.')]);
    assert.match(
      text,
      /\ncuda:2 is not used: It is ill\.\n--device cuda lets 2 GPUs share a run, as auto does; --device cuda:0 takes one\.\n$/,
    );
    assert.doesNotMatch(describeDevices([gpu('cuda:0')]), /share|no GPU/);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFormats } from '../../../renderer/lib/text/format.ts';
import { createTranslate } from '../../../renderer/lib/text/messages.ts';
import { gpuText } from '../../../renderer/views/new-run/gpu-text.ts';
import { gpu } from '../../electron/support/gpus.ts';

test('a GPU is described by its backend, driver and memory', () => {
  const t = createTranslate('en');
  const formats = createFormats('en', t);
  const facts = gpu('cuda:0', { freeBytes: 6.2e9, memoryBytes: 24e9, driver: 'driver 580.65' }).gpu;
  assert.ok(facts);
  const text = gpuText(facts, { t, bytes: (count) => formats.bytes(count) }).replaceAll('\u00a0', ' ');
  assert.equal(text, 'CUDA, driver 580.65; 6.2 GB free of 24 GB');
});

import assert from 'node:assert/strict';
import { measureLargeLibrary, openLargeLibrary } from './support/large.ts';
import { e2e } from './support/e2e.ts';

const IMAGES = 100_000;

e2e('a library of 100,000 images opens, scrolls to its end, is filtered and searched', async (stage, t) => {
  const { window, runId } = await openLargeLibrary(stage, IMAGES);
  const measured = await measureLargeLibrary(window, runId, IMAGES);
  for (const { what, milliseconds } of measured) t.diagnostic(`${what}: ${milliseconds.toFixed(0)} ms`);
  assert.ok(measured.length > 0);
  await window.photograph('large-library');
});

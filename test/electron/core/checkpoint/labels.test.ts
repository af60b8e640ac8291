import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { labelsFor } from '../../../../electron/core/checkpoint/labels.ts';
import { TrainingArgs } from '../../../../electron/core/checkpoint/training-args.ts';
import { appError } from '../app-error.ts';
import { temporaryFolder } from '../temporary-folder.ts';

/** A checkpoint that records these training arguments, and no names. */
function recording(args: Record<string, string> = {}) {
  return { args: new TrainingArgs(new Map(Object.entries(args))), labels: undefined };
}

const none = recording();

function classifier(classes: number) {
  return { task: 'classification', classes } as const;
}

test("1,000 classes are ImageNet's, with synsets that tell equal names apart", async () => {
  const labels = await labelsFor(classifier(1000), undefined, none);
  assert.equal(labels.length, 1000);
  assert.deepEqual(labels[0], { name: 'tench', synset: 'n01440764' });
  assert.equal(new Set(labels.map((label) => label.synset)).size, 1000);
  assert.ok(new Set(labels.map((label) => label.name)).size < 1000);
});

test("10 classes are CIFAR-10's only for a model trained on CIFAR", async () => {
  for (const args of [{ data_set: 'CIFAR' }, { dataset: 'cifar10' }]) {
    const labels = await labelsFor(classifier(10), undefined, recording(args));
    assert.deepEqual(labels.map(({ name }) => name).slice(0, 4), ['airplane', 'automobile', 'bird', 'cat']);
  }
  const plain = await labelsFor(classifier(10), undefined, recording({ data_set: 'IMNET' }));
  assert.deepEqual(plain[9], { name: 'class 9' });
});

test('other models get numbered classes', async () => {
  assert.deepEqual(await labelsFor(classifier(2), undefined, none), [
    { name: 'class 0' },
    { name: 'class 1' },
  ]);
});

test('a file gives one label per line, with or without a synset', async (context) => {
  const path = join(await temporaryFolder(context), 'labels.tsv');
  await writeFile(path, '\uFEFFn01440764\ttench\r\ngreat white shark\r\n');
  assert.deepEqual(await labelsFor(classifier(2), path, none), [
    { name: 'tench', synset: 'n01440764' },
    { name: 'great white shark' },
  ]);
});

test('a file with another number of lines, an empty line or that is not there is refused', async (context) => {
  const path = join(await temporaryFolder(context), 'labels.txt');
  await writeFile(path, 'a\n\nc\n');
  await assert.rejects(labelsFor(classifier(3), path, none), appError('BAD_ARGUMENT', /no label in line 2/));
  await assert.rejects(
    labelsFor(classifier(4), path, none),
    appError('BAD_ARGUMENT', /3 lines for 4 classes/),
  );
  await assert.rejects(
    labelsFor(classifier(3), `${path}.none`, none),
    appError('NOT_FOUND', /cannot be read/),
  );
});

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

test("150 classes of a segmentation model are ADE20K's, 80 of a detection model COCO's", async () => {
  const ade = await labelsFor({ task: 'segmentation', classes: 150 }, undefined, none);
  assert.deepEqual(ade[7], { name: 'bed', colour: '#cc05ff' });
  assert.deepEqual(ade[149], { name: 'flag', colour: '#5c00ff' });
  assert.equal(new Set(ade.map(({ name }) => name)).size, 150);
  assert.ok(ade.every(({ name, colour }) => name.trim() === name && colour !== undefined));
  const coco = await labelsFor({ task: 'detection', classes: 80 }, undefined, none);
  assert.deepEqual(coco[0], { name: 'person', id: 1 });
  assert.deepEqual(coco[79], { name: 'toothbrush', id: 90 });
  assert.ok(coco.every(({ id }, index) => id !== undefined && id > (coco[index - 1]?.id ?? 0)));
  assert.deepEqual(await labelsFor({ task: 'detection', classes: 150 }, undefined, none), numbered(150));
  assert.deepEqual(await labelsFor({ task: 'segmentation', classes: 80 }, undefined, none), numbered(80));
  assert.deepEqual(await labelsFor(classifier(150), undefined, none), numbered(150));
});

test('names that a checkpoint records win, unless they are numbers or too few', async () => {
  const model = { task: 'segmentation', classes: 150 } as const;
  const labels = (name: (index: number) => string, count = 150) =>
    labelsFor(model, undefined, {
      ...none,
      labels: Array.from({ length: count }, (_, index) => ({ name: name(index) })),
    });
  assert.equal((await labels((index) => `kind ${index}`))[3]?.name, 'kind 3');
  assert.equal((await labels((index) => `class${index}`))[3]?.name, 'floor');
  assert.equal((await labels((index) => `kind ${index}`, 149))[3]?.name, 'floor');
});

test('lines may have a number in the data set and a colour', async (context) => {
  const path = join(await temporaryFolder(context), 'labels.tsv');
  await writeFile(
    path,
    '7\ttrain\t#00FF0a\nsky\t#0000ff\nn01440764\ttench\t#010203\n#ffffff\n 90\t toothbrush \n',
  );
  assert.deepEqual(await labelsFor(classifier(5), path, none), [
    { name: 'train', id: 7, colour: '#00ff0a' },
    { name: 'sky', colour: '#0000ff' },
    { name: 'tench', synset: 'n01440764', colour: '#010203' },
    { name: '#ffffff' },
    { name: 'toothbrush', id: 90 },
  ]);
});

function numbered(classes: number) {
  return Array.from({ length: classes }, (_, index) => ({ name: `class ${index}` }));
}

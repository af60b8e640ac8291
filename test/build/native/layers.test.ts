import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { includesOf, nativeLayers, objections } from '../../../build/native/layers.ts';
import { root } from '../../../build/setup.mjs';

const native = path.join(root, 'native');
const files = globSync('**/*.{h,cc,cu,mm}', { cwd: native }).map((file) => file.split(path.sep).join('/'));
const textOf = (file: string) => readFileSync(path.join(native, file), 'utf8');

/** Fails where following `next` from any of `starts` leads back to where it has been. */
function refuseCircles(starts: readonly string[], next: (name: string) => readonly string[]): void {
  const done = new Set<string>();
  const follow = (name: string, way: readonly string[]) => {
    assert.ok(!way.includes(name), [...way.slice(way.indexOf(name)), name].join(' -> '));
    if (done.has(name)) return;
    for (const other of next(name)) follow(other, [...way, name]);
    done.add(name);
  };
  for (const start of starts) follow(start, []);
}

suite('native layers', () => {
  for (const folder of new Set(files.map((file) => path.posix.dirname(file)))) {
    test(`files of native/${folder} include what they may`, () => {
      const ours = files.filter((file) => path.posix.dirname(file) === folder);
      assert.deepEqual(
        ours.flatMap((file) => objections(file, textOf(file))),
        [],
      );
    });
  }

  test('every rule is about a folder, and allows what exists', () => {
    const folders = new Set(files.map((file) => path.posix.dirname(file)));
    for (const [folder, allowed] of Object.entries(nativeLayers)) {
      for (const name of [folder, ...allowed]) assert.ok(folders.has(name) || files.includes(name), name);
    }
  });

  test('no folder may include itself by way of others', () => {
    refuseCircles(Object.keys(nativeLayers), (folder) =>
      (nativeLayers[folder] ?? []).map((name) => (name.endsWith('.h') ? path.posix.dirname(name) : name)),
    );
  });

  test('no headers include one another in a circle', () => {
    refuseCircles(
      files,
      (file) =>
        includesOf(textOf(file))
          .map(({ header }) => header)
          .filter((header) => files.includes(header) && header !== file), // Highway includes a file in itself
    );
  });

  const refused: [file: string, include: string][] = [
    ['ops/tensor.h', '"model/dyvm.h"'],
    ['model/dyvm.cc', '"model/detection/detector.h"'],
    ['model/detection/detector.cc', '"model/segmentation/segmenter.h"'],
    ['model/segmentation/segmenter.cc', '"train/network/network.h"'],
    ['engine/engine.cc', '"cpu/kernels.h"'],
    ['engine/engine.cc', '"gpu/gpu.h"'],
    ['gpu/kernels/scan.h', '"gpu/gpu.h"'],
    ['gpu/gpu_backend.cc', '"gpu/host/host_library.h"'],
    ['cuda/driver.cc', '"metal/metal_gpu.h"'],
    ['reference/reference_backend.cc', '"train/operations/operations.h"'],
    ['train/operations/operations.h', '"train/network/network.h"'],
    ['train/network/network.h', '"train/trainer/losses.h"'],
    ['train/augmentation/mix.cc', '"train/session/batch.h"'],
    ['train/trainer/trainer.cc', '"train/session/session.h"'],
    ['train/random.h', '"train/network/network.h"'],
    ['model/dyvm.cc', '"bench/random_model.h"'],
    ['bench/bench.cc', '"test/model/small_models.h"'],
    ['bench/bench.cc', '"binding/values.h"'],
    ['test/model/dyvm_test.cc', '"binding/values.h"'],
    ['test/cuda/fake/driver.cc', '"engine/engine.h"'],
    ['engine/engine.cc', '<napi.h>'],
    ['new/file.cc', '"ops/tensor.h"'],
  ];
  for (const [file, include] of refused) {
    test(`${file} must not include ${include}`, () => {
      assert.equal(objections(file, `#pragma once\n#include ${include}\n`).length, 1);
    });
  }

  const accepted: [file: string, include: string][] = [
    ['model/detection/detector.cc', '"model/dyvm.h"'],
    ['engine/engine.cc', '"cpu/cpu_backend.h"'],
    ['train/network/network.cc', '"train/random.h"'],
    ['binding/addon.cc', '<napi.h>'],
    ['bench/train_bench.cc', '"train/trainer/trainer.h"'],
    ['test/model/dyvm_test.cc', '"bench/random_model.h"'],
    ['ops/tensor.h', '<vector>'],
  ];
  for (const [file, include] of accepted) {
    test(`${file} may include ${include}`, () => {
      assert.deepEqual(objections(file, `#include ${include}\n`), []);
    });
  }
});

test('native code has the words of the field', () => {
  const words = /\b(unclassify|unprune|unembed|(a|b)_turned|(d_)?rates|places|struct Way)\b/;
  for (const file of files) {
    const code = textOf(file)
      .replaceAll(/\/\/.*$/gm, '')
      .replaceAll(/"[^"\n]*"/g, '""');
    assert.equal(words.exec(code)?.[0], undefined, file);
  }
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { alikePairs } from '../../../../../electron/core/training/pictures/near-duplicates.ts';
import { mixSeed } from '../../../../../electron/core/training/steps/seeds.ts';

function hashes(count: number): string[] {
  const half = (...seed: number[]) =>
    mixSeed(...seed)
      .toString(16)
      .padStart(8, '0');
  return Array.from({ length: count }, (_, index) => half(index, 1) + half(index, 2));
}

/** The hash with some of its 64 bits changed, counted from the highest. */
function flipped(hash: string, ...bits: number[]): string {
  const value = bits.reduce((changed, bit) => changed ^ (1n << BigInt(63 - bit)), BigInt(`0x${hash}`));
  return value.toString(16).padStart(16, '0');
}

suite('pictures that look alike', () => {
  test('are found with up to four bits that differ, wherever these are', () => {
    const learned = hashes(40);
    const [first = '', second = '', third = '', fourth = ''] = learned;
    const held = [
      first,
      flipped(second, 0, 20, 40, 63),
      flipped(third, 25, 31, 32, 38),
      flipped(fourth, 0, 15, 30, 45, 60), // five
      hashes(41)[40] ?? '',
    ];
    const dHashes = [...learned, ...held];
    const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);
    assert.deepEqual(alikePairs(dHashes, range(40, 5), range(0, 40)), [
      { held: 40, learned: 0 },
      { held: 41, learned: 1 },
      { held: 42, learned: 2 },
    ]);
  });

  test('are found as comparing every two finds them', () => {
    const originals = hashes(200);
    const varied = originals.map((hash, index) =>
      flipped(hash, ...Array.from({ length: index % 8 }, (_, bit) => mixSeed(index, bit) % 64)),
    );
    const dHashes = [...originals, ...varied];
    const held = varied.map((_, index) => 200 + index);
    const learned = originals.map((_, index) => index);
    const distance = (one: string, other: string) =>
      (BigInt(`0x${one}`) ^ BigInt(`0x${other}`)).toString(2).replaceAll('0', '').length;
    const expected = held.filter((index) =>
      learned.some((other) => distance(dHashes[index] ?? '', dHashes[other] ?? '') <= 4),
    );
    assert.deepEqual(
      alikePairs(dHashes, held, learned).map((pair) => pair.held),
      expected,
    );
  });

  test('are none among pictures without structure', () => {
    const flat = ['0000000000000000', 'ffffffffffffffff', '0000000000000001', 'fffffffffffffffe'];
    assert.deepEqual(alikePairs([...flat, ...flat], [0, 1, 2, 3], [4, 5, 6, 7]), []);
  });

  test('are found among 50,000 pictures within seconds', () => {
    const dHashes = hashes(50_000);
    const held = dHashes.flatMap((_, index) => (index % 7 === 0 ? [index] : []));
    const learned = dHashes.flatMap((_, index) => (index % 7 === 0 ? [] : [index]));
    const start = performance.now();
    assert.deepEqual(alikePairs(dHashes, held, learned), []);
    assert.ok(performance.now() - start < 8000);
  });
});

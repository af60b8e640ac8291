import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { appApiArguments, checkArguments } from '../../../electron/shared/app-api.ts';
import { excessOf, parseBounded } from '../../../electron/shared/bounded-json.ts';
import { seededRandom } from '../core/random.ts';

const bounds = { characters: 100, depth: 3, containers: 5, keys: 4, items: 6 };

suite('JSON with bounds', () => {
  test('is parsed up to each bound, and refused beyond it', () => {
    const cases: [within: string, beyond: string, what: string][] = [
      ['[[[1]]]', '[[[[1]]]]', '3 lists and objects in each other'],
      ['[{},{},{},[]]', '[{},{},{},[],[]]', '5 lists and objects'],
      ['{"a":1,"b":2,"c":3,"d":4}', '{"a":1,"b":2,"c":3,"d":4,"e":5}', '4 keys'],
      ['[1,2,3,4,5,6,7]', '[1,2,3,4,5,6,7,8]', '6 items'],
      [`"${'x'.repeat(98)}"`, `"${'x'.repeat(99)}"`, '100 characters'],
    ];
    for (const [within, beyond, what] of cases) {
      assert.deepEqual(parseBounded(within, bounds), JSON.parse(within));
      const message = `expected JSON with at most ${what}, but there are more`;
      assert.throws(() => parseBounded(beyond, bounds), { name: 'SyntaxError', message });
    }
  });

  test('may begin with a byte order mark and have line ends of Windows', () => {
    assert.deepEqual(parseBounded('\ufeff{\r\n  "a": [\r\n 1 ]\r\n}\r\n', bounds), { a: [1] });
    assert.throws(() => parseBounded('\ufeff\ufeff1', bounds), SyntaxError);
  });

  test('does not count what stands in strings', () => {
    const texts = [
      '"[[[[[{{{{:::::,,,,,,,"',
      String.raw`"\"[[[[[[{"`,
      String.raw`["\\","[[[[[[[","\\\"{{{{{{{"]`,
    ];
    for (const text of texts) assert.deepEqual(parseBounded(text, bounds), JSON.parse(text));
    assert.equal(excessOf(String.raw`["\\",[[[[]]]]]`, bounds)?.includes('in each other'), true);
  });

  test('counts as a parser would, whatever the text is', () => {
    const random = seededRandom(3);
    const value = (depth: number): unknown => {
      const kind = random(depth > 5 ? 3 : 6);
      if (kind < 2) return random(100);
      if (kind === 2) return String.raw`a"b\[{:,`.slice(0, random(9));
      const items = Array.from({ length: random(4) }, () => value(depth + 1));
      return kind === 3 ? Object.fromEntries(items.map((item, index) => [`${index}"{`, item])) : items;
    };
    const measure = (one: unknown): { depth: number; containers: number } => {
      if (typeof one !== 'object' || one === null) return { depth: 0, containers: 0 };
      const below = Object.values(one).map(measure);
      return {
        depth: 1 + Math.max(0, ...below.map(({ depth }) => depth)),
        containers: below.reduce((sum, { containers }) => sum + containers, 1),
      };
    };
    for (let round = 0; round < 500; round++) {
      const made = value(0);
      const { depth, containers } = measure(made);
      const text = JSON.stringify(made);
      const exact = { depth, containers, keys: 10_000 };
      assert.equal(excessOf(text, exact), undefined, text);
      if (depth === 0) continue;
      assert.notEqual(excessOf(text, { ...exact, depth: depth - 1 }), undefined, text);
      assert.notEqual(excessOf(text, { ...exact, containers: containers - 1 }), undefined, text);
    }
  });

  test('is text of many megabytes without growing the memory', () => {
    const before = process.resourceUsage().maxRSS;
    for (const text of ['['.repeat(14e6), '{"a":'.repeat(3e6), '[{},'.repeat(3e6)])
      assert.notEqual(excessOf(text, { depth: 16, containers: 100_000, keys: 200_000 }), undefined);
    assert.ok(process.resourceUsage().maxRSS - before < 200_000, 'kilobytes'); // the texts have 44,000
  });
});

suite('arguments that are wrong many times', () => {
  const review = (imageIds: unknown) => () =>
    checkArguments(appApiArguments.review, { runId: 1, imageIds, verdict: { kind: 'accept' } });

  test('are answered with one short sentence', () => {
    const keys = Object.fromEntries(Array.from({ length: 90_000 }, (_, index) => [`key${index}`, 1]));
    assert.throws(() => checkArguments(appApiArguments.listRuns, keys), {
      code: 'BAD_ARGUMENT',
      message: 'There must be no key "key0", and 89999 others that are not known',
    });
    assert.throws(
      () => checkArguments(appApiArguments.showRun, { runId: 'x'.repeat(1e6) }),
      (error: Error) => {
        assert.ok(error.message.length < 300 && error.message.endsWith('xxx…'));
        return true;
      },
    );
    const request = { folders: Array.from({ length: 10_001 }, () => '') };
    assert.throws(() => checkArguments(appApiArguments.run, request), {
      message: 'A list must have at most 10000 items, but has more',
    });
  });

  test('may be a million images of which one is none', () => {
    const ids = Array.from({ length: 1e6 }, (_, index) => index + 1);
    assert.equal(review(ids)().imageIds.length, 1e6);
    for (const wrong of [0, -1, 0.5, NaN]) {
      const message = `An image is named by its number, but is ${JSON.stringify(wrong)}`;
      assert.throws(review(ids.with(999_999, wrong)), { code: 'BAD_ARGUMENT', message });
      assert.throws(review(ids.map(() => wrong)), { message });
    }
    assert.throws(review([]), { message: 'At least one image must be named, but is []' });
    assert.throws(review(5), { message: 'Images are named by a list of numbers, but is 5' });
    assert.throws(review(['7']), { message: 'An image is named by its number, but is "7"' });
  });
});

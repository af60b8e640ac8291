import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createFormats } from '../../renderer/lib/text/format.ts';
import { createTranslate } from '../../renderer/lib/text/messages.ts';

const english = createFormats('en', createTranslate('en'));
const german = createFormats('de', createTranslate('de'));
const plain = (text: string) => text.replaceAll('\u00a0', ' ');

suite('numbers for the eye', () => {
  test('counts have their thousands separated, as the language does it', () => {
    assert.equal(english.count(12480), '12,480');
    assert.equal(german.count(12480), '12.480');
  });

  const rates: [number, string][] = [
    [0, '0.0'],
    [0.01, '< 0.1'],
    [0.94, '0.9'],
    [9.94, '9.9'],
    [9.96, '10'],
    [231.4, '231'],
    [1480, '1,480'],
  ];
  for (const [value, text] of rates) {
    test(`${value} images/s is ${text}`, () => assert.equal(plain(english.rate(value)), text));
  }

  test('numbers of no unit have three digits that count', () => {
    assert.equal(english.decimal(1.41789), '1.42');
    assert.equal(german.decimal(0.0003), '0,0003');
  });

  const shares: [number, string][] = [
    [0, '0 %'],
    [0.0004, '< 0.1 %'],
    [0.0041, '0.4 %'],
    [0.008, '1 %'],
    [0.426, '43 %'],
    [0.9, '90 %'],
    [0.991, '99.1 %'],
    [0.9994, '99.9 %'],
    [0.99999, '> 99.9 %'],
    [1, '100 %'],
  ];
  for (const [value, text] of shares) {
    test(`a share of ${value} is ${text}`, () => assert.equal(plain(english.share(value)), text));
  }

  test('work is done when it says 100 %, not before', () => {
    assert.equal(plain(english.percent(0.9999)), '99 %');
    assert.equal(plain(english.percent(1)), '100 %');
  });

  const durations: [number, string][] = [
    [0, 'a few seconds'],
    [22, 'about 20 s'],
    [53, 'about 55 s'],
    [58, 'about 1 min'],
    [2460, 'about 41 min'],
    [3585, 'about 1 h'],
    [7800, 'about 2 h 10 min'],
    [39_000, 'about 11 h'],
    [200_000, 'about 2 days'],
  ];
  for (const [seconds, text] of durations) {
    test(`${seconds} s is ${text}`, () => assert.equal(english.duration(seconds), text));
  }

  test('sizes count in thousands and keep two or three digits', () => {
    assert.deepEqual(
      [0, 999, 1000, 9949, 99_999, 1_412_000_000].map((value) => plain(english.bytes(value))),
      ['0 B', '999 B', '1.0 kB', '9.9 kB', '100 kB', '1.4 GB'],
    );
    assert.equal(plain(german.bytes(1_412_000_000)), '1,4 GB');
  });
});

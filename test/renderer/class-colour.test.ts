import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { root } from '../../build/setup.mjs';
import { CLASS_COLOURS } from '../../electron/shared/class-colours.ts';
import { classLook, classPaint, ClassRanks } from '../../renderer/lib/class-colour.ts';

suite('the look of a class', () => {
  test('on a canvas has the colours of the style sheet', () => {
    const css = readFileSync(path.join(root, 'renderer/app.css'), 'utf8');
    const inCss = [...css.matchAll(/--class-\d: (#\w{6});/g)].map(([, colour]) => colour);
    assert.deepEqual(CLASS_COLOURS, inCss);
  });

  test('differs between classes in colour, or else in its dashes', () => {
    const styles = Array.from({ length: 21 }, (_, rank) => {
      const { colour, dash } = classPaint(rank);
      return `${colour} ${dash.join(' ')}`;
    });
    assert.equal(new Set(styles).size, 21);
    assert.equal(classPaint(9).pattern, classLook(9).pattern);
  });

  test('is the same in every picture, and new labels do not change it', () => {
    const ranks = new ClassRanks(['boat', 'fox']);
    assert.equal(ranks.of('fox'), 1);
    assert.equal(ranks.of('wolf'), 2);
    assert.equal(ranks.of('lynx'), 3);
    assert.equal(ranks.of('wolf'), 2);
    assert.equal(ranks.of('boat'), 0);
  });
});

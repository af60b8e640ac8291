import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pickable } from '../../renderer/lib/pickable.ts';

const names = { classes: ['airplane', 'bird', 'frog'], own: ['blackbird', 'sea gull'] };

test('classes of the run come first, then the labels of people, and what was typed only where it is new', () => {
  assert.deepEqual(pickable(names, ' '), [
    { kind: 'classes', names: names.classes, first: 0 },
    { kind: 'own', names: names.own, first: 3 },
  ]);
  assert.deepEqual(pickable(names, 'bird '), [
    { kind: 'classes', names: ['bird'], first: 0 },
    { kind: 'own', names: ['blackbird'], first: 1 },
  ]);
  assert.deepEqual(pickable(names, 'bir'), [
    { kind: 'classes', names: ['bird'], first: 0 },
    { kind: 'own', names: ['blackbird'], first: 1 },
    { kind: 'new', names: ['bir'], first: 2 },
  ]);
  assert.deepEqual(pickable(names, 'otter'), [{ kind: 'new', names: ['otter'], first: 0 }]);
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  changeFilter,
  isFiltered,
  readView,
  toggleLabel,
  viewText,
  writeView,
} from '../../../renderer/views/results/result-view.ts';
import type { ResultView } from '../../../renderer/views/results/result-view.ts';

suite('the view in an address', () => {
  test('every part of a filter comes back from the address that it was written to', () => {
    const view: ResultView = {
      filter: {
        labels: ['fox', 'tabby, tabby cat', '100 % wool', 'a%2Cb'],
        minConfidence: 0.25,
        maxConfidence: 0.9,
        contains: ['fox', 'a,b'],
        minScore: 0.35,
        text: 'a & b = c?',
        status: 'unverified',
        folderId: 7,
        folder: 'station 1/night & day',
        differsFrom: { runId: 4, label: 'deer & co' },
        wrong: { folder: 'red fox' },
      },
      sort: 'hardest',
    };
    const query = new URLSearchParams(writeView(view)).toString();
    assert.deepEqual(readView(Object.fromEntries(new URLSearchParams(query))), view);
  });

  test('an order that compares names the other run, or is none', () => {
    const view: ResultView = { filter: { status: 'unverified' }, sort: 'disagreement', comparedWith: 4 };
    assert.deepEqual(readView(writeView(view)), view);
    for (const query of [{}, { with: '0' }, { with: '1.5' }, { with: 'x' }])
      assert.deepEqual(readView({ sort: 'disagreement', ...query }), { filter: {}, sort: 'path' });
    assert.deepEqual(readView({ sort: 'lowestMargin', with: '4' }), { filter: {}, sort: 'lowestMargin' });
  });

  test('the whole run in order of paths needs no words', () => {
    assert.deepEqual(writeView({ filter: {}, sort: 'path' }), {});
    assert.deepEqual(readView({}), { filter: {}, sort: 'path' });
  });

  test('images in which nothing was found have an address', () => {
    const nothing: ResultView = { filter: { labels: [''], minScore: 0 }, sort: 'path' };
    assert.deepEqual(readView(writeView(nothing)), nothing);
  });

  test('a folder below another is in the address, the folder of the run itself needs no path', () => {
    const below: ResultView = { filter: { folderId: 7, folder: 'a/b' }, sort: 'path' };
    assert.deepEqual(writeView(below), { folder: '7', in: 'a/b' });
    assert.deepEqual(writeView({ filter: { folderId: 7, folder: '' }, sort: 'path' }), { folder: '7' });
    assert.deepEqual(readView({ folder: '7', in: '/etc' }), { filter: { folderId: 7 }, sort: 'path' });
  });

  test('blank and labelled images have an address', () => {
    for (const status of ['blank', 'labelled'] as const)
      assert.deepEqual(readView(writeView({ filter: { status }, sort: 'path' })).filter, { status });
  });

  test('wrong in any folder is not wrong in one', () => {
    const anywhere: ResultView = { filter: { wrong: {} }, sort: 'mostConfident' };
    assert.deepEqual(readView(writeView(anywhere)), anywhere);
  });

  test('parts that mean nothing are left out, the rest holds', () => {
    const query = {
      min: '2',
      max: 'much',
      status: 'great',
      folder: '-1',
      sort: 'best',
      differs: 'x',
      q: 'fox',
    };
    assert.deepEqual(readView(query), { filter: { text: 'fox' }, sort: 'path' });
  });

  test('equal views have equal texts, whatever else the address says', () => {
    const query = { label: 'fox', sort: 'name' };
    assert.equal(viewText(readView({ ...query, image: '12' })), viewText(readView(query)));
  });
});

suite('changes of a filter', () => {
  test('undefined lets everything through again', () => {
    const filter = changeFilter({ status: 'failed', text: 'a' }, { status: undefined, folderId: 3 });
    assert.deepEqual(filter, { text: 'a', folderId: 3 });
    assert.equal(isFiltered(filter), true);
    assert.equal(isFiltered(changeFilter({ text: 'a' }, { text: undefined })), false);
  });

  test('a class is switched on, off, and off for good', () => {
    assert.deepEqual(toggleLabel(undefined, 'fox'), ['fox']);
    assert.deepEqual(toggleLabel(['fox'], 'deer'), ['fox', 'deer']);
    assert.deepEqual(toggleLabel(['fox', 'deer'], 'fox'), ['deer']);
    assert.equal(toggleLabel(['deer'], 'deer'), undefined);
  });
});

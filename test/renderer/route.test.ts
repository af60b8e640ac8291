import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { matchPath, parseHash, toHash } from '../../renderer/lib/address/route.ts';

suite('addresses of views', () => {
  test('name a path and a query', () => {
    assert.deepEqual(parseHash('#/runs/3/results?label=red+fox'), {
      path: '/runs/3/results',
      query: { label: 'red fox' },
    });
    assert.deepEqual(parseHash(''), { path: '/', query: {} });
  });

  test('are written as they are read', () => {
    const hash = toHash('/runs/3/results', { label: 'a&b=c ü' });
    assert.deepEqual(parseHash(hash), { path: '/runs/3/results', query: { label: 'a&b=c ü' } });
    assert.equal(toHash('/library'), '#/library');
  });

  test('belong to a pattern with as many parts', () => {
    assert.deepEqual(matchPath('/compare/:first/:second', '/compare/3/5'), { first: '3', second: '5' });
    assert.deepEqual(matchPath('/models/:name', '/models/a%20b'), { name: 'a b' });
    assert.equal(matchPath('/runs/:runId', '/runs'), undefined);
    assert.equal(matchPath('/runs/:runId', '/models/3'), undefined);
  });
});

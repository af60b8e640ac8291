import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite, test } from 'node:test';
import { root } from '../../../build/setup.mjs';
import { matchPath } from '../../../renderer/lib/address/route.ts';

const read = (file: string) => readFileSync(join(root, file), 'utf8');
const registry = read('renderer/views/registry.ts');
/** The views of the registry: their patterns, and their components from `renderer/views` on. */
const views = [...registry.matchAll(/pattern: '([^']+)'.*?import\('\.\/([^']+)'\)/g)].map(
  ([, pattern = '', component = '']) => ({ pattern, component }),
);
const sections = [...registry.matchAll(/name: '(\w+)', icon/g)].map(([, name = '']) => name);
const sources = globSync('renderer/**/*.{ts,svelte}', { cwd: root }).filter(
  (file) => file !== 'renderer/views/registry.ts',
);

// docs/extending.md: a view is its folder, a line of the registry, and messages in English and in German.
suite('a view stands in its folder and in the registry alone', () => {
  test('every component that is given an address is in the registry, and it names no other', () => {
    const own = sources
      .filter((file) => file.endsWith('.svelte') && /: ViewProps = \$props\(\)/.test(read(file)))
      .map((file) => file.replace('renderer/views/', ''));
    assert.deepEqual(views.map(({ component }) => component).sort(), own.sort());
    assert.ok(views.length > 10);
  });

  test('nothing else loads a view', () => {
    for (const { component } of views) {
      const loads = new RegExp(`(from|import\\() ?'[^']*/${basename(component)}'`);
      assert.deepEqual(
        sources.filter((file) => loads.test(read(file))),
        [],
        component,
      );
    }
  });

  test('the rail and its keys name no section', () => {
    assert.deepEqual(sections, ['library', 'runs', 'models', 'teach', 'settings']);
    const shell = read('renderer/App.svelte') + read('renderer/components/Rail.svelte');
    for (const name of sections) {
      const named = new RegExp(`section: '${name}'|'rail\\.${name}'|keys: .*'/${name}'`);
      assert.doesNotMatch(shell, named);
      assert.ok(
        views.some(({ pattern }) => pattern === `/${name}`),
        `the mark ${name} leads to a view`,
      );
    }
  });

  test('an address belongs to one view', () => {
    for (const { pattern } of views) {
      const path = pattern.replaceAll(/:\w+/g, '1');
      const taking = views.filter((view) => matchPath(view.pattern, path) !== undefined);
      assert.equal(taking[0]?.pattern, pattern);
    }
  });
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../build/setup.mjs';
import { matchPath, parseHash } from '../../renderer/lib/address/route.ts';
import { violations } from './support/accessibility.ts';
import { e2e } from './support/e2e.ts';
import { say } from './support/say.ts';
import { makeShowcase } from './support/showcase.ts';
import { views } from './support/views.ts';
import type { WinnowWindow } from './support/window.ts';

const registry = readFileSync(join(root, 'renderer/views/registry.ts'), 'utf8');
const patterns = [...registry.matchAll(/pattern: '([^']+)'/g)].map(([, pattern = '']) => pattern);

/** Looks for violations in both themes and writes pictures; gives what was found, with the name of the view. */
async function inspect(window: WinnowWindow, name: string): Promise<string[]> {
  const found: string[] = [];
  await window.photograph(name);
  await window.inBothThemes(async (theme) => {
    for (const violation of await violations(window.page)) found.push(`${name}, ${theme}: ${violation}`);
  });
  return found;
}

e2e('the first start is accessible to everyone', async (stage) => {
  const window = await stage.open();
  await window.page.getByRole('heading', { name: say('welcome.title') }).waitFor();
  assert.deepEqual(await inspect(window, 'welcome'), []);
});

e2e('every view is accessible to everyone, in light and dark', async (stage) => {
  const data = stage.folder();
  const folder = join(stage.folder(), 'Field pictures');
  await makeShowcase(data, folder);
  const window = await stage.open({ data });
  const [found, seen]: [string[], string[]] = [[], []];
  for (const { name, open, close } of views) {
    await open(window, folder);
    found.push(...(await inspect(window, name)));
    seen.push(parseHash(await window.page.evaluate<string>('location.hash')).path);
    await close?.(window);
  }
  // Views that nobody has said more of.
  for (const pattern of patterns.filter((one) => !seen.some((path) => matchPath(one, path)))) {
    await window.page.evaluate(`location.hash = '${pattern.replaceAll(/:\w+/g, '1')}'`);
    await window.page.getByRole('heading', { level: 1 }).waitFor();
    found.push(...(await inspect(window, pattern.replaceAll('/', '-'))));
  }
  assert.deepEqual(found, []);
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { root } from '../../build/setup.mjs';
import { matchPath, parseHash } from '../../renderer/lib/address/route.ts';
import { violations } from './support/accessibility.ts';
import { temporaryFolder } from '../electron/support/temporary-folder.ts';
import { e2e } from './support/e2e.ts';
import { say } from './support/say.ts';
import { makeShowcase } from './support/showcase.ts';
import { views } from './support/views.ts';
import type { Stage } from './support/stage.ts';
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

const GROUP = 8; // views of a test, so that each keeps well within its time
const seen: string[] = [];
const data = temporaryFolder({ after });
const folder = join(temporaryFolder({ after }), 'Field pictures');
let made: Promise<void> | undefined;

/** A window over the showcase, which the first test makes. */
async function openShowcase(stage: Stage): Promise<WinnowWindow> {
  await (made ??= makeShowcase(data, folder));
  return stage.open({ data });
}

for (let first = 0; first < views.length; first += GROUP) {
  const group = views.slice(first, first + GROUP);
  const names = group.map(({ name }) => name).join(', ');
  e2e(`every view is accessible to everyone, in light and dark: ${names}`, async (stage) => {
    const window = await openShowcase(stage);
    const found: string[] = [];
    for (const { name, open, close } of group) {
      await open(window, folder);
      found.push(...(await inspect(window, name)));
      seen.push(parseHash(await window.page.evaluate<string>('location.hash')).path);
      await close?.(window);
    }
    assert.deepEqual(found, []);
  });
}

e2e('views that nobody has said more of are accessible to everyone', async (stage) => {
  const window = await openShowcase(stage);
  const found: string[] = [];
  for (const pattern of patterns.filter((one) => !seen.some((path) => matchPath(one, path)))) {
    await window.page.evaluate(`location.hash = '${pattern.replaceAll(/:\w+/g, '1')}'`);
    await window.page.getByRole('heading', { level: 1 }).waitFor();
    found.push(...(await inspect(window, pattern.replaceAll('/', '-'))));
  }
  assert.deepEqual(found, []);
});

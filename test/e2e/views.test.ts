import assert from 'node:assert/strict';
import { join } from 'node:path';
import { violations } from './support/accessibility.ts';
import { e2e } from './support/e2e.ts';
import { say } from './support/say.ts';
import { makeShowcase } from './support/showcase.ts';
import { views } from './support/views.ts';
import type { WinnowWindow } from './support/window.ts';

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
  const found: string[] = [];
  for (const { name, open, close } of views) {
    await open(window, folder);
    found.push(...(await inspect(window, name)));
    await close?.(window);
  }
  assert.deepEqual(found, []);
});

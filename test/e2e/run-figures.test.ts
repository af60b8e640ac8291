import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { e2e } from './support/e2e.ts';
import { hasFocus } from './support/keyboard.ts';
import { copyMany, copySamples, sampleNames } from './support/pictures.ts';
import { label } from './support/prepare.ts';
import { startSlowRun, underWay } from './support/runs.ts';
import { say } from './support/say.ts';
import { until } from './support/until.ts';

e2e('the figures of a run under way are of one moment', async (stage) => {
  const window = await stage.open();
  const { page } = window;
  await window.addFolder(copyMany(join(stage.folder(), 'many'), 1500));
  await startSlowRun(window);
  await underWay(window, 1);
  // Both are read at once, whenever either of them changes.
  const seen = await page.evaluate<[string, string][]>(`new Promise((resolve) => {
    const seen = [];
    const figures = document.querySelector('section[aria-label="${say('run.progress')}"]');
    const read = () => {
      const own = /([\\d,]+)\\s+of ([\\d,]+)/.exec(figures.innerText);
      const folder = /([\\d,]+) of ([\\d,]+)/.exec(document.querySelector('.lists').innerText);
      if (own === null || folder === null) return;
      if (seen.at(-1)?.[0] === own[1] && seen.at(-1)?.[1] === folder[1]) return;
      seen.push([own[1], folder[1]]);
      if (seen.length < 8) return;
      observer.disconnect();
      resolve(seen);
    };
    const observer = new MutationObserver(read);
    observer.observe(document.querySelector('main'), { subtree: true, childList: true, characterData: true });
  })`);
  for (const [figure, folder] of seen) assert.equal(folder, figure, JSON.stringify(seen));
  assert.ok(new Set(seen.map(([figure]) => figure)).size > 4);
});

e2e('the page of a run says how many files of which kind were passed over', async (stage) => {
  const data = stage.folder();
  const folder = copySamples(join(stage.folder(), 'samples'));
  for (const name of ['a.mp4', 'b.MP4', 'README']) writeFileSync(join(folder, name), name);
  await label(data, folder, 'fast');
  const window = await stage.open({ data });
  await window.visit('/runs/1', say('runs.name', { run: 1 }));
  await window.says(say('run.unread', { files: `2 .mp4, 1 ${say('run.unread-bare')}` }));
});

e2e('a run that is not there offers no keys', async (stage) => {
  const window = await stage.open();
  const { page } = window;
  for (const path of ['/runs/99', '/teach/99']) {
    await page.evaluate(`location.hash = '${path}'`);
    await page.getByRole('alert').waitFor();
    const keys = page.getByRole('list', { name: say('status.keys') }).getByRole('listitem');
    assert.deepEqual(await keys.allInnerTexts(), [`? ${say('keys.all')}`]);
  }
});

e2e(
  'a new run says at once what it waits for',
  async (stage) => {
    const window = await stage.open();
    const { page } = window;
    await window.addFolder(copySamples(join(stage.folder(), 'samples')));
    const held: (() => void)[] = [];
    let holds = true;
    await page.routeWebSocket(/socket/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((message) => {
        const isHeld = holds && /"(estimateRun|devices|listFolders)"/.test(String(message));
        if (isHeld) held.push(() => server.send(message));
        else server.send(message);
      });
    });
    await page.evaluate(`location.hash = '/new-run'`);
    await page.reload();
    await window.shows(say('new-run.title'));
    await window.says(say('new-run.reading'));
    assert.equal(await page.getByText(say('new-run.choose-folder')).count(), 0);
    await window.photograph('new-run-reading');
    holds = false;
    for (const send of held) send();
    await page.getByRole('slider').waitFor();
    assert.equal(await page.getByText(say('new-run.reading')).count(), 0);
  },
  { inElectron: false },
);

e2e('what is taken back is looked at, and is said no longer than the view is shown', async (stage) => {
  const data = stage.folder();
  await label(data, copySamples(join(stage.folder(), 'samples')), 'balanced');
  const window = await stage.open({ data });
  const { page, cells } = window;
  await window.visit('/runs/1/results', say('runs.name', { run: 1 }));
  await window.hasCells(sampleNames.length);
  const isAt = (index: number) =>
    until(`image ${index} to have the focus and be selected`, async () => {
      const selected = cells.nth(index).and(page.getByRole('gridcell', { selected: true }));
      return (await hasFocus(cells.nth(index))) && (await selected.count()) === 1;
    });
  await cells.nth(3).click();
  await page.keyboard.press('Enter');
  await isAt(4);
  await page.keyboard.press('ControlOrMeta+z');
  await isAt(3);
  const said = page.locator('footer').getByText(say('history.undone', { change: 'Verify 1 image' }));
  await said.waitFor();
  await page.keyboard.press('j');
  await isAt(4);
  await page.keyboard.press('ControlOrMeta+Shift+z');
  await isAt(3);
  await page.keyboard.press('ControlOrMeta+z');
  await said.waitFor();
  await window.visit('/library', say('rail.library'));
  assert.equal(await said.count(), 0);
});

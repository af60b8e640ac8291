import assert from 'node:assert/strict';
import { join } from 'node:path';
import { violations } from './support/accessibility.ts';
import { hasValue } from './support/keyboard.ts';
import { copySamples } from './support/pictures.ts';
import { label, speakGerman } from './support/prepare.ts';
import { e2e } from './support/e2e.ts';
import { say, sayGerman } from './support/say.ts';

const WIDTHS = [1440, 1280, 1024];

e2e('the number of patches beside the grain is whole where there is room', async (stage) => {
  const data = stage.folder();
  await label(data, copySamples(join(stage.folder(), 'samples')), 'fast');
  const window = await stage.open({ data });
  const { page } = window;
  await window.visit('/runs/1/results', say('runs.name', { run: 1 }));
  await window.cells.first().click();
  await page.keyboard.press('Space');
  await page.getByRole('slider', { name: say('image.grain') }).waitFor();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    // Exact widths: an element that is a hundredth of a pixel too narrow cuts its text.
    const [shown = 0, needed = 0] = await page.evaluate<number[]>(`(() => {
      const text = document.querySelector('.stage-text');
      const range = document.createRange();
      range.selectNodeContents(text);
      return [text.getBoundingClientRect().width, range.getBoundingClientRect().width];
    })()`);
    assert.ok(shown > 0 && shown >= needed, `${needed} pixels of text in ${shown}, in a window of ${width}`);
  }

  // Where the last layer looks, by its key, and the first one, by the list; another press hides it.
  const marks = page.locator('svg rect[fill-opacity]');
  await page.keyboard.press('w');
  await window.says(/of 64 patches left/);
  const ofLast = await marks.count();
  const layers = page.getByRole('combobox', { name: say('image.attention') });
  await hasValue(layers, '8');
  await layers.selectOption({ label: say('image.attention-layer', { layer: '1' }) });
  await window.says(/64 of 64 patches left/);
  assert.equal(await marks.count(), 64);
  assert.ok(ofLast < 64, `${ofLast} patches in front of the last layer`);
  assert.deepEqual(await violations(page), []);
  await window.photograph('attention');
  await page.getByRole('region', { name: say('image.name') }).focus();
  await page.keyboard.press('w');
  await marks.first().waitFor({ state: 'detached' });
});

e2e('the ring of a focused run leaves the folders below its name free', async (stage) => {
  const data = stage.folder();
  await label(data, copySamples(join(stage.folder(), 'samples')), 'fast');
  const window = await stage.open({ data });
  const { page } = window;
  await window.visit('/runs', say('rail.runs'));
  await page.getByRole('link', { name: say('runs.name', { run: 1 }) }).waitFor();
  await page.keyboard.press('j');
  const [ring = 0, height = 0, below = 0] = await page.evaluate<number[]>(`(() => {
    const link = document.querySelector('.row-link:focus-visible');
    const { bottom, height } = link.getBoundingClientRect();
    const { outlineOffset, outlineWidth } = getComputedStyle(link);
    const range = document.createRange();
    range.selectNodeContents(link.nextElementSibling);
    const ring = bottom + parseFloat(outlineOffset) + parseFloat(outlineWidth);
    return [ring, height, range.getBoundingClientRect().top];
  })()`);
  assert.ok(height >= 28, `a target of ${height} pixels`);
  assert.ok(ring <= below + 2, `a ring to ${ring}, text from ${below}`);
});

e2e('a model card has no English figures in German', async (stage) => {
  const data = stage.folder();
  speakGerman(data);
  const window = await stage.open({ data });
  await window.visit('/models?model=everyday10', sayGerman('rail.models'));
  const heading = window.page.getByRole('heading', { name: sayGerman('models.card') });
  await heading.waitFor();
  const cells = heading.locator('xpath=..').locator('td');
  await cells.first().waitFor();
  const texts = await cells.allInnerTexts();
  assert.ok(texts.length > 50);
  assert.ok(texts.includes('Genauigkeit'));
  assert.deepEqual(
    texts.filter((text) => /\d\.\d(?!\d\d$)|^\./.test(text)),
    [],
  );
});

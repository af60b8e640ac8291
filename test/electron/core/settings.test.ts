import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { settingsSchema } from '../../../electron/shared/api/settings.ts';
import { noticesOf } from '../support/events.ts';
import { testApp, session } from '../support/test-app.ts';

const defaults = settingsSchema.parse({});

suite('settings', () => {
  test('start with defaults, change one by one, and are kept', async (t) => {
    const { app, libraryPath } = testApp(t);
    assert.deepEqual(await app.settings({}), defaults);
    assert.deepEqual([defaults.theme, defaults.threads, defaults.welcomed], ['system', null, false]);
    assert.deepEqual(await app.changeSettings({ theme: 'dark' }), { ...defaults, theme: 'dark' });
    await Promise.all([app.changeSettings({ threads: 3 }), app.changeSettings({ welcomed: true })]);
    const changed = { ...defaults, theme: 'dark', threads: 3, welcomed: true };
    assert.deepEqual(await app.settings({}), changed);
    assert.deepEqual(await session(t, libraryPath).app.settings({}), changed);
    assert.deepEqual((await app.changeSettings({ threads: null })).threads, null);
  });

  test('say how many threads a run takes', async (t) => {
    const { app, engine, folder } = testApp(t, 1);
    await app.changeSettings({ threads: 3 });
    await app.run({ folders: [folder] });
    await app.run({ folders: [folder], preset: 'fast', threads: 2 });
    assert.deepEqual(
      engine.models.map(({ threads }) => threads),
      [3, 2],
    );
  });

  test('that cannot be understood are kept aside, and the defaults hold', async (t) => {
    for (const text of ['{ "theme": ', '{ "theme": "pink" }', '{ "colour": 1 }', '[]', '']) {
      const { app, events, libraryPath } = testApp(t);
      const file = join(dirname(libraryPath), 'settings.json');
      writeFileSync(file, text);
      assert.deepEqual(await app.settings({}), defaults);
      assert.deepEqual(await app.settings({}), defaults);
      const [notice, ...others] = noticesOf(events);
      assert.match(
        notice ?? '',
        /^The settings could not be understood, so the defaults hold; the old file is kept as/,
      );
      assert.deepEqual(
        [others, existsSync(file), readFileSync(`${file}.unreadable`, 'utf8')],
        [[], false, text],
      );
    }
  });

  test('are checked', async (t) => {
    const { app } = testApp(t);
    const wrong = { code: 'BAD_ARGUMENT', message: 'A theme must be system, light or dark, but is "pink"' };
    await assert.rejects(app.changeSettings({ theme: 'pink' as 'dark' }), wrong);
    await assert.rejects(app.changeSettings({ threads: 0 }), { code: 'BAD_ARGUMENT' });
    assert.deepEqual(await app.settings({}), defaults);
  });
});

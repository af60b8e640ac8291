import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { serveWindow } from '../../../electron/serve/server.ts';
import { keepToken } from '../../../electron/serve/token-file.ts';
import { appError } from '../core/app-error.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { ask, dial, enter, served, TOKEN } from './visitor.ts';

const onWindows = process.platform === 'win32' && 'Windows has no such modes';

suite('the token of the window', () => {
  test('stays the same until another is asked for', (t) => {
    const path = join(temporaryFolder(t), 'data', 'serve-token');
    const { token, notice } = keepToken(path);
    assert.equal(Buffer.from(token, 'base64url').length, 32);
    assert.equal(notice, undefined);
    assert.deepEqual(keepToken(path), { token, notice: undefined });
    const { token: other } = keepToken(path, true);
    assert.notEqual(other, token);
    assert.deepEqual(keepToken(path), { token: other, notice: undefined });
    assert.deepEqual(readdirSync(join(path, '..')), ['serve-token']);
  });

  test('can be read by nobody else', { skip: onWindows }, (t) => {
    const path = join(temporaryFolder(t), 'serve-token');
    const { token } = keepToken(path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    chmodSync(path, 0o640);
    const kept = keepToken(path);
    assert.notEqual(kept.token, token);
    assert.match(kept.notice ?? '', /Others could read/);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  test('that is none is replaced, and a link is not followed', { skip: onWindows }, (t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, 'serve-token');
    writeFileSync(path, 'short', { mode: 0o600 });
    assert.match(keepToken(path).notice ?? '', /held no token/);
    assert.match(readFileSync(path, 'utf8'), /^[\w-]{43}\n$/);
    symlinkSync(path, join(folder, 'link'));
    assert.throws(
      () => keepToken(join(folder, 'link')),
      appError('FILE_SYSTEM', /token of the window cannot be kept/),
    );
    mkdirSync(join(folder, 'folder'), { mode: 0o700 });
    assert.throws(() => keepToken(join(folder, 'folder')), appError('FILE_SYSTEM', /cannot be kept/));
  });

  test('lets a window in after a restart that was let in before, and none with another token', async (t) => {
    const { app, server, windowFolder } = await served(t);
    const cookie = await enter(server);
    await server.close();
    const again = await serveWindow({ app, windowFolder, port: server.port, token: TOKEN });
    const Origin = `http://127.0.0.1:${server.port}`;
    const socket = await dial(again, { Cookie: cookie, Origin });
    socket.terminate();
    assert.equal((await ask(again, '/', { Cookie: cookie })).status, 200);
    await again.close();
    const other = await serveWindow({ app, windowFolder, port: server.port, token: 'y'.repeat(43) });
    t.after(() => other.close());
    await assert.rejects(dial(other, { Cookie: cookie, Origin }), /403/);
    assert.equal((await ask(other, `/?token=${TOKEN}`)).status, 403);
  });
});

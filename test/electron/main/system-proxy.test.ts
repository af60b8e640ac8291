import '../support/electron-hooks.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { called, partitions, session } from '../support/electron-double.ts';

const { setupSession } = await import('../../../electron/main/session.ts');
const { systemProxy } = await import('../../../electron/main/system-proxy.ts');

test('the system’s proxy is asked of a session of its own, which may load nothing either', async () => {
  setupSession();
  const proxyFor = systemProxy();
  const address = new URL('https://huggingface.co/a/b/resolve/main/c.pth');
  assert.equal(await proxyFor(address), undefined);
  const [[name, own] = []] = [...partitions];
  assert.equal(name, 'system-proxy');
  assert.ok(own);
  own.proxies = 'PROXY proxy.example:3128; DIRECT';
  assert.equal(await proxyFor(address), 'http://proxy.example:3128');
  assert.deepEqual(called('setProxy'), [[{ mode: 'system' }]]); // once, and not of the page's session
  for (const each of [own, session.defaultSession]) {
    let refused: boolean | undefined;
    each.requestFilter?.({ url: address.href }, ({ cancel }) => (refused = cancel));
    assert.equal(refused, true);
  }
});

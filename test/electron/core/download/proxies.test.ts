import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { firstProxy } from '../../../../electron/core/download/proxies.ts';
import {
  assertDone,
  assertFailed,
  assertSameFile,
  downloadApp,
  fetched,
} from '../../support/download-app.ts';
import { setVariables } from '../../support/environment.ts';

const PASSWORD = `Basic ${Buffer.from('anna:se cret').toString('base64')}`;

interface Proxy {
  port: number;
  /** What was asked of it: `GET http://...` or `CONNECT host:port`, and whether with the right password. */
  heard: [request: string, mayPass: boolean][];
}

/** A proxy that lets pass who knows the password. */
async function startProxy(t: TestContext): Promise<Proxy> {
  const heard: Proxy['heard'] = [];
  const mayPass = (headers: NodeJS.Dict<string | string[]>) => headers['proxy-authorization'] === PASSWORD;
  const server = createServer((request, response) => {
    const { url = '', method = '', headers } = request;
    heard.push([`${method} ${url}`, mayPass(headers)]);
    if (!mayPass(headers)) return void response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end();
    const passed = { ...headers };
    delete passed['proxy-authorization'];
    httpRequest(url, { method, headers: passed }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    }).end();
  });
  server.on('connect', ({ url = '', headers }, socket) => {
    heard.push([`CONNECT ${url}`, mayPass(headers)]);
    socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, heard };
}

suite('a proxy', () => {
  test('with a name and a password, of the environment, lets the download pass', async (t) => {
    const proxy = await startProxy(t);
    setVariables(t, { HTTP_PROXY: `http://anna:se%20cret@127.0.0.1:${proxy.port}` });
    const given = await downloadApp(t);
    const { app, host, model } = given;
    assertDone(await fetched(app, model.name));
    await assertSameFile(given);
    assert.equal(proxy.heard.length, 3);
    for (const [request, passed] of proxy.heard) {
      assert.ok(request.includes(host.address), request);
      assert.equal(passed, true);
    }
  });

  test('that wants a password which nobody gave says how to give it, and is not asked again', async (t) => {
    const proxy = await startProxy(t);
    setVariables(t, { http_proxy: `http://127.0.0.1:${proxy.port}` });
    const { app, model, waits } = await downloadApp(t);
    assertFailed(await fetched(app, model.name), /proxy (that )?asks for a name and a password/, /proxy/);
    assert.deepEqual([proxy.heard.length, waits], [1, []]);
  });

  test('of encrypted addresses that wants a password says so too', async (t) => {
    const proxy = await startProxy(t);
    setVariables(t, { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` });
    const { app, model, waits } = await downloadApp(t);
    process.env['WINNOW_MODEL_MIRROR'] = 'https://models.invalid';
    const download = await fetched(app, model.name);
    assertFailed(
      download,
      /^models\.invalid cannot be reached: the proxy asks for a name and a password$/,
      /proxy/,
    );
    assert.deepEqual([proxy.heard, waits], [[['CONNECT models.invalid:443', false]], []]);
  });

  test('is not used for hosts that NO_PROXY names', async (t) => {
    const proxy = await startProxy(t);
    setVariables(t, { HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: '127.0.0.1' });
    const { app, model } = await downloadApp(t);
    assertDone(await fetched(app, model.name));
    assert.deepEqual(proxy.heard, []);
  });

  test('of the system is used where the environment names none', async (t) => {
    const proxy = await startProxy(t);
    const asked: string[] = [];
    const { app, model } = await downloadApp(t, {
      proxyFor: (address) => {
        asked.push(address.pathname);
        return Promise.resolve(`http://anna:se%20cret@127.0.0.1:${proxy.port}`);
      },
    });
    assertDone(await fetched(app, model.name));
    assert.equal(asked.length, proxy.heard.length);
    assert.ok(asked.length > 0);
  });

  test('is the first that the system names and that is spoken here', () => {
    assert.equal(firstProxy('DIRECT'), undefined);
    assert.equal(firstProxy('PROXY a.example:80; DIRECT'), 'http://a.example:80');
    assert.equal(firstProxy('SOCKS4 old:1080; HTTPS b.example:443'), 'https://b.example:443');
    assert.equal(firstProxy('SOCKS5 [::1]:1080'), 'socks5://[::1]:1080');
    assert.equal(firstProxy('SOCKS old:1080;DIRECT; PROXY never:1'), undefined);
    assert.equal(firstProxy(''), undefined);
  });
});

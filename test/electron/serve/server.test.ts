import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { Library } from '../../../electron/core/store/library.ts';
import { serveWindow } from '../../../electron/serve/server.ts';
import type { AppEvent } from '../../../electron/shared/app-api.ts';
import { encodeWire } from '../../../electron/shared/wire.ts';
import { writeFiles } from '../support/files.ts';
import { draw } from '../support/pictures.ts';
import { admitted, ask, dial, enter, nextMessage, served, TOKEN } from './visitor.ts';

/** Takes files of the served folder into its library; gives their numbers. */
function take(libraryPath: string, folder: string, ...names: string[]): number[] {
  const library = Library.open(libraryPath);
  const { id } = library.folders.ensure(folder);
  const ids = names.map((relativePath) =>
    library.images.see(id, { relativePath, fileSize: 0, modifiedMs: 0 }, 1),
  );
  library.close();
  return ids;
}

suite('the window over HTTP', () => {
  test('opens with its token, which leaves the address for a cookie', async (t) => {
    const { server, origin } = await served(t);
    assert.ok(server.url.startsWith(`${origin}/?token=`));
    assert.ok(Buffer.from(new URL(server.url).searchParams.get('token') ?? '', 'base64url').length >= 32);
    const first = await ask(server, `/${new URL(server.url).search}`);
    assert.deepEqual([first.status, first.headers.location], [303, '/']);
    assert.match(first.headers['set-cookie']?.[0] ?? '', /; HttpOnly; SameSite=Strict; Path=\/$/);
    const page = await ask(server, '/', { Cookie: await enter(server) });
    assert.equal(page.status, 200);
    assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
    assert.equal(String(page.body), '<title>Winnow</title>');
    const script = await ask(server, '/assets/app-1a2b.js', { Cookie: await enter(server) });
    assert.match(script.headers['cache-control'] ?? '', /immutable/);
  });

  test('says with every answer what a page may do', async (t) => {
    const { server } = await served(t);
    const cookie = await enter(server);
    const answers = await Promise.all([
      ask(server, '/', { Cookie: cookie }),
      ask(server, '/nothing.js', { Cookie: cookie }),
      ask(server, '/image/1', { Cookie: cookie }),
      ask(server, `/${new URL(server.url).search}`),
      ask(server, '/'),
    ]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 404, 404, 303, 403],
    );
    for (const { headers } of answers) {
      const policy = headers['content-security-policy'];
      assert.ok(typeof policy === 'string' && policy.startsWith("default-src 'none'; script-src 'self';"));
      assert.ok(!policy.includes('http') && !policy.includes('*') && !policy.includes('unsafe-eval'));
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['referrer-policy'], 'no-referrer');
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin');
      assert.equal(headers['cross-origin-opener-policy'], 'same-origin');
      assert.equal(headers['cross-origin-embedder-policy'], 'require-corp');
      assert.equal(headers['access-control-allow-origin'], undefined);
    }
  });

  test('shows pictures and thumbnails by number, and not twice what has not changed', async (t) => {
    const { server, folder, libraryPath, engine } = await served(t);
    const jpeg = await draw(40, 30).jpeg().toBuffer();
    writeFiles(folder, { 'a.jpg': jpeg });
    const [id] = take(libraryPath, folder, 'a.jpg');
    const cookie = await enter(server);
    for (const [path, type] of [
      [`/image/${id}`, 'image/jpeg'],
      [`/thumbnail/${id}`, 'image/webp'],
    ] as const) {
      const { status, headers, body } = await ask(server, path, { Cookie: cookie });
      assert.deepEqual([status, headers['content-type']], [200, type]);
      assert.ok(body.equals(jpeg)); // the double renders nothing
      assert.match(headers['cache-control'] ?? '', /^private, /);
      const again = await ask(server, path, { Cookie: cookie, 'If-None-Match': headers.etag ?? '' });
      assert.deepEqual([again.status, again.body.length], [304, 0]);
    }
    assert.equal((await ask(server, `/image/${id}`, { Cookie: cookie }, 'HEAD')).body.length, 0);
    assert.equal(engine.rendered.length, 1);
  });

  test('says why a picture cannot be shown', async (t) => {
    const { server, folder, libraryPath } = await served(t);
    writeFiles(folder, { 'bad.tif': 'no picture' });
    const [bad, gone] = take(libraryPath, folder, 'bad.tif', 'gone.jpg');
    const cookie = await enter(server);
    const answer = async (path: string) => {
      const { status, body } = await ask(server, path, { Cookie: cookie });
      return `${status} ${String(body)}`;
    };
    assert.match(await answer(`/thumbnail/${bad}`), /^422 a bad file\n$/);
    assert.match(await answer(`/image/${gone}`), /^404 .*gone\.jpg is not there or may not be read\n$/);
  });

  test('is not opened before it was built, or on a port that is taken', async (t) => {
    const { app, server, windowFolder } = await served(t);
    const taken = serveWindow({ app, windowFolder, port: server.port, token: TOKEN });
    await assert.rejects(taken, { code: 'BAD_ARGUMENT', message: /^Port \d+ .*in use/, hint: /--port/ });
    rmSync(join(windowFolder, 'index.html'));
    await assert.rejects(serveWindow({ app, windowFolder, port: 0, token: TOKEN }), {
      code: 'NOT_FOUND',
      hint: /npm run setup/,
    });
  });

  test('can be reached on this computer only', async (t) => {
    const { server } = await served(t);
    const { networkInterfaces } = await import('node:os');
    const outside = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .find(({ internal, family }) => !internal && family === 'IPv4');
    if (outside === undefined) return t.skip('this machine has no address but loopback');
    const socket = createConnection(server.port, outside.address);
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNREFUSED');
  });
});

suite('a stranger over HTTP', () => {
  test('gets nothing without the token, or with a wrong one', async (t) => {
    const { server } = await served(t);
    const cookie = await enter(server);
    const [name = ''] = cookie.split('=');
    const tries: [path: string, headers: Record<string, string>][] = [
      ['/', {}],
      ['/index.html', {}],
      ['/image/1', {}],
      ['/?token=', {}],
      ['/?token=wrong', {}],
      [`/${new URL(server.url).search}x`, {}],
      ['/', { Cookie: `${name}=` }],
      ['/', { Cookie: `${name}=wrong` }],
      ['/', { Cookie: cookie.replace(name, 'winnow') }],
      ['/', { Cookie: `${name}=${new URL(server.url).searchParams.get('token') ?? ''}` }],
    ];
    for (const [path, headers] of tries) {
      const answer = await ask(server, path, headers);
      assert.equal(answer.status, 403, `${path} ${JSON.stringify(headers)}`);
      assert.equal(answer.headers['set-cookie'], undefined);
    }
  });

  const foreign: Record<string, Record<string, string>> = {
    'a name that was made to lead here': { Host: 'evil.example:4747' },
    'a name that starts like ours': { Host: 'localhost.evil.example' },
    'a host that hides another': { Host: 'localhost:1@evil.example' },
    'an address in another spelling': { Host: '0x7f000001' },
    'a page of another site': { Origin: 'https://evil.example' },
    'a page without an origin': { Origin: 'null' },
    'a page of another port': { Origin: 'http://127.0.0.1:1' },
    'an element of another site': { 'Sec-Fetch-Site': 'cross-site' },
    'an element of another port': { 'Sec-Fetch-Site': 'same-site' },
  };
  for (const [name, headers] of Object.entries(foreign)) {
    test(`is refused: ${name}`, async (t) => {
      const { server, origin } = await served(t);
      const cookie = await enter(server);
      const trusted = { Host: new URL(origin).host, Cookie: cookie };
      assert.equal((await ask(server, '/', trusted)).status, 200);
      assert.equal((await ask(server, '/', { ...trusted, ...headers })).status, 403);
      assert.equal((await ask(server, `/${new URL(server.url).search}`, headers)).status, 403);
      await assert.rejects(dial(server, { ...trusted, Origin: origin, ...headers }), /403/);
    });
  }

  test('may come through a forwarded port', async (t) => {
    const { server } = await served(t);
    const cookie = await enter(server);
    for (const host of ['localhost:9000', '127.0.0.1:9000', '[::1]:9000', 'localhost']) {
      const headers = { Host: host, Cookie: cookie, Origin: `http://${host}` };
      assert.equal((await ask(server, '/', headers)).status, 200);
      (await dial(server, headers)).terminate();
    }
  });

  test('reaches no file outside the window, however the path is written', async (t) => {
    const { server, windowFolder } = await served(t);
    symlinkSync(join(dirname(windowFolder), 'secret.json'), join(windowFolder, 'link.json'));
    const cookie = await enter(server);
    const paths = [
      '/../secret.json',
      '/assets/../../secret.json',
      '/%2e%2e/secret.json',
      '/%2e%2e%2fsecret.json',
      '/assets%2f..%2f..%2fsecret.json',
      '/..%5csecret.json',
      '/..\\secret.json',
      '//secret.json',
      `//${join(dirname(windowFolder), 'secret.json')}`,
      '/secret.json%00.html',
      '/%',
      '/link.json',
      '/notes.txt',
      '/assets',
      'http://evil.example/secret.json',
    ];
    for (const path of paths) {
      const { status, body } = await ask(server, path, { Cookie: cookie });
      assert.ok(status === 404 || status === 400, `${path}: ${status}`);
      assert.ok(!String(body).includes('{'));
    }
  });

  test('reaches no picture outside the library', async (t) => {
    const { server, folder, libraryPath } = await served(t);
    writeFileSync(join(dirname(folder), 'private.jpg'), await draw(9, 9).jpeg().toBuffer());
    symlinkSync(join(dirname(folder), 'private.jpg'), join(folder, 'link.jpg'));
    const ids = take(libraryPath, folder, 'link.jpg', '../private.jpg');
    const cookie = await enter(server);
    for (const route of ['image', 'thumbnail']) {
      for (const id of ids) {
        const { status, body } = await ask(server, `/${route}/${id}`, { Cookie: cookie });
        assert.equal(status, 422);
        assert.match(String(body), /a link to a file outside its folder/);
      }
      for (const id of [
        '0',
        '-1',
        '1.5',
        '1e3',
        '',
        '1/..',
        '%31',
        '..%2f..%2fprivate.jpg',
        '9'.repeat(30),
      ]) {
        assert.equal((await ask(server, `/${route}/${id}`, { Cookie: cookie })).status, 400, id);
      }
    }
  });

  test('changes nothing over HTTP', async (t) => {
    const { server } = await served(t);
    const cookie = await enter(server);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])
      assert.equal((await ask(server, '/', { Cookie: cookie }, method)).status, 405);
  });
});

suite('calls over the WebSocket', () => {
  const answerTo = (id: number) => (message: { id?: number }) => message.id === id;

  test('come back with their number, a value or an error', async (t) => {
    const { server } = await served(t);
    const socket = await admitted(t, server);
    const answers = [1, 2].map((id) => nextMessage<unknown>(socket, answerTo(id) as (m: unknown) => boolean));
    socket.send(encodeWire({ id: 1, name: 'listRuns', request: {} }));
    socket.send(encodeWire({ id: 2, name: 'showRun', request: { runId: 7 } }));
    assert.deepEqual(await answers[0], { id: 1, value: [] });
    assert.deepEqual(await answers[1], {
      id: 2,
      error: {
        code: 'NOT_FOUND',
        message: 'There is no run 7 in the library',
        hint: '`winnow runs` lists them.',
      },
    });
  });

  test('are those of AppApi only', async (t) => {
    const { server, app } = await served(t);
    const socket = await admitted(t, server);
    const names = ['close', 'subscribe', 'pictures', 'constructor', '__proto__', 'toString', '', 7, null];
    for (const [id, name] of names.entries()) {
      const answer = nextMessage<{ error: { code: string; message: string } }>(socket);
      socket.send(JSON.stringify({ id, name, request: {} }));
      assert.equal((await answer).error.code, 'BAD_ARGUMENT');
    }
    assert.deepEqual(await app.listRuns({}), []); // the app was not closed
  });

  test('have their arguments checked', async (t) => {
    const { server } = await served(t);
    const socket = await admitted(t, server);
    for (const request of [undefined, null, 'text', [], { runId: '1' }, { runId: 1, more: true }]) {
      const answer = nextMessage<{ error: { code: string } }>(socket);
      socket.send(encodeWire({ id: 1, name: 'showRun', request }));
      assert.equal((await answer).error.code, 'BAD_ARGUMENT');
    }
  });

  const notCalls: Record<string, [message: string | Buffer, code: number]> = {
    'no JSON': ['{', 1008],
    'no object': ['[]', 1008],
    nothing: ['null', 1008],
    'no number': ['{"id":"1","name":"listRuns"}', 1008],
    bytes: [Buffer.from('{}'), 1003],
    'lists in lists': [`{"id":1,"name":"listRuns","request":${'['.repeat(7e6)}${']'.repeat(7e6)}}`, 1008],
    'five million objects': [`{"id":1,"name":"listRuns","request":[${'{},'.repeat(5e6)}{}]}`, 1008],
    'a million keys': [
      `{"id":1,"name":"listRuns","request":{${Array.from({ length: 1e6 }, (_, index) => `"${index}":1`).join()}}}`,
      1008,
    ],
    'a message of many megabytes': [`{"id":1,"name":"${'x'.repeat(17 * 1024 ** 2)}"}`, 1009],
  };
  for (const [name, [message, code]] of Object.entries(notCalls)) {
    test(`end the connection when they are none: ${name}`, async (t) => {
      const { server } = await served(t);
      const socket = await admitted(t, server);
      const other = await admitted(t, server);
      socket.on('error', () => undefined); // of a connection that is reset while it still sends
      socket.send(message);
      const [closed] = (await once(socket, 'close')) as [number];
      assert.ok(closed === code || (code === 1009 && closed === 1006), String(closed));
      const answer = nextMessage<{ value: unknown }>(other);
      other.send(encodeWire({ id: 1, name: 'listRuns', request: {} }));
      assert.deepEqual((await answer).value, []);
    });
  }

  test('are made by pages of Winnow only', async (t) => {
    const { server, origin } = await served(t);
    const cookie = await enter(server);
    await assert.rejects(dial(server, { Origin: origin }), /403/);
    await assert.rejects(dial(server, { Cookie: cookie }), /403/);
    await assert.rejects(dial(server, { Cookie: cookie, Origin: origin }, '/other'), /403/);
  });
});

suite('requests that are begun and not ended', () => {
  test('lose their connection, and others are answered', async (t) => {
    const { server } = await served(t, 0, { patience: 200 });
    const halves = ['', 'GET / HT', 'GET / HTTP/1.1\r\nHost: localhost\r\nX: '];
    const closed = halves.map(async (half) => {
      const socket = createConnection(server.port, '127.0.0.1');
      socket.on('error', () => undefined); // reset
      socket.resume();
      socket.write(half);
      await once(socket, 'close');
    });
    const slow = createConnection(server.port, '127.0.0.1'); // whose head is whole and whose body is not
    slow.on('error', () => undefined).resume();
    slow.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\nx');
    closed.push(once(slow, 'close').then(() => undefined));
    assert.equal((await ask(server, '/', { Cookie: await enter(server) })).status, 200);
    await Promise.all(closed);
  });

  test('may not be more than there are windows', async (t) => {
    const { server, origin } = await served(t);
    const headers = { Cookie: await enter(server), Origin: origin };
    const sockets = await Promise.all(Array.from({ length: 64 }, () => dial(server, headers)));
    await assert.rejects(dial(server, headers), /503/);
    const closed = sockets[0] && once(sockets[0], 'close');
    sockets[0]?.close();
    await closed;
    sockets[0] = await dial(server, headers);
    for (const socket of sockets) socket.terminate();
  });
});

suite('events over the WebSocket', () => {
  test('reach every window', async (t) => {
    const { server, app, folder } = await served(t, 3);
    const windows = [await admitted(t, server), await admitted(t, server)];
    const heard = windows.map((socket) =>
      nextMessage<{ event?: AppEvent }>(socket, ({ event }) => event?.type === 'started'),
    );
    const run = await app.run({ folders: [folder] });
    for (const message of await Promise.all(heard)) {
      assert.ok(message.event?.type === 'started');
      assert.equal(message.event.plan.run.id, run.id);
    }
  });

  test('end when the server does', async (t) => {
    const { server } = await served(t);
    const socket = await admitted(t, server);
    const closed = once(socket, 'close');
    await server.close();
    await closed;
    await assert.rejects(ask(server, '/'), { code: 'ECONNREFUSED' });
  });
});

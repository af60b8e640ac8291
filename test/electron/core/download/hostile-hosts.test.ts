import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import {
  assertDone,
  assertFailed,
  assertSameFile,
  breakAfter,
  breakAt,
  downloadApp,
  DRIVE,
  fetched,
  isContent,
} from '../../support/download-app.ts';
import { etagOf, sendFile } from '../../support/model-host.ts';

suite('a host that breaks the connection', () => {
  test('in the middle is asked for the rest of the same version, and the bytes are the same', async (t) => {
    const given = await downloadApp(t);
    const { app, host, model, content } = given;
    let breaks = 0;
    host.misbehave = ({ url, headers }, response, file) => {
      if (!isContent(url) || !file || ++breaks > 3) return false;
      if (headers.range === undefined)
        return breakAfter(1000, given, response, { etag: `"${etagOf(file)}"` });
      const start = Number(/\d+/.exec(headers.range)?.[0]);
      response.writeHead(206, {
        'content-length': file.length - start,
        'content-range': `bytes ${start}-${file.length - 1}/${file.length}`,
      });
      response.write(file.subarray(start, start + 1000));
      void breakAt(start + 1000, given, response);
      return true;
    };
    assertDone(await fetched(app, model.name));
    await assertSameFile(given);
    const asked = host.heard.filter(({ url }) => isContent(url));
    assert.deepEqual(
      asked.map(({ range }) => range),
      [undefined, 'bytes=1000-', 'bytes=2000-', 'bytes=3000-'],
    );
    assert.deepEqual(
      new Set(asked.slice(1).map(({ ifRange }) => ifRange)),
      new Set([`"${etagOf(content)}"`]),
    );
  });

  test('again and again before anything comes is given up after five more attempts, and can be gone on with', async (t) => {
    const given = await downloadApp(t);
    const { app, host, model, waits } = given;
    host.misbehave = ({ socket }) => {
      socket.destroy();
      return true;
    };
    assertFailed(
      await fetched(app, model.name),
      /^127\.0\.0\.1:\d+ cannot be reached: the connection broke$/,
      /goes on/,
    );
    assert.deepEqual(waits, [1, 2, 4, 8, 16]);
    host.misbehave = undefined;
    assertDone(await fetched(app, model.name));
    await assertSameFile(given);
  });

  test('and knows no ranges begins anew', async (t) => {
    const given = await downloadApp(t);
    const { app, host, model } = given;
    let breaks = 0;
    host.misbehave = ({ url }, response, file) => {
      if (!isContent(url) || !file) return false;
      if (++breaks === 1) return breakAfter(5000, given, response);
      response.writeHead(200, { 'content-length': file.length }).end(file); // whatever range was asked for
      return true;
    };
    assertDone(await fetched(app, model.name));
    await assertSameFile(given);
    assert.equal(breaks, 2);
  });

  test('and then has another version of the file begins anew with that', async (t) => {
    const given = await downloadApp(t, DRIVE);
    const { app, host, model, content } = given;
    const other = Buffer.from(content);
    let breaks = 0;
    host.misbehave = (request, response) => {
      if (++breaks === 1) return breakAfter(5000, given, response, { etag: '"old"' });
      assert.equal(request.headers['if-range'], '"old"');
      sendFile(request, response, other, '"new"');
      return true;
    };
    assertDone(await fetched(app, model.name));
    assert.equal(breaks, 2);
    await assertSameFile(given);
  });

  test('says nothing of versions and no hash is known: begins anew, since two files could be mixed', async (t) => {
    const given = await downloadApp(t, DRIVE);
    const { app, host, model } = given;
    let breaks = 0;
    host.misbehave = (_request, response) => ++breaks === 1 && breakAfter(5000, given, response);
    assertDone(await fetched(app, model.name));
    assert.deepEqual(
      host.heard.map(({ range }) => range),
      [undefined, undefined],
    );
    await assertSameFile(given);
  });

  test('and sends another part than the rest is asked for all of it', async (t) => {
    const given = await downloadApp(t);
    const { app, host, model } = given;
    let breaks = 0;
    host.misbehave = ({ url, headers }, response, file) => {
      if (!isContent(url) || !file) return false;
      if (++breaks === 1) return breakAfter(5000, given, response, { etag: '"x"' });
      if (headers.range === undefined) return false;
      response
        .writeHead(206, { 'content-range': `bytes 4000-${file.length - 1}/${file.length}` })
        .end(file.subarray(4000));
      return true;
    };
    assertDone(await fetched(app, model.name));
    await assertSameFile(given);
  });

  test('is silent for too long: asked again from where it stopped', async (t) => {
    const given = await downloadApp(t, { silence: 300 });
    const { app, host, model } = given;
    let asked = 0;
    host.misbehave = ({ url }, response, file) => {
      if (!isContent(url) || !file || ++asked > 1) return false;
      response.writeHead(200, { 'content-length': file.length, etag: `"${etagOf(file)}"` });
      response.write(file.subarray(0, 3000)); // and nothing more
      return true;
    };
    assertDone(await fetched(app, model.name));
    assert.equal(host.heard.at(-1)?.range, 'bytes=3000-');
    await assertSameFile(given);
  });

  test('sends byte by byte: the file comes all the same', async (t) => {
    const given = await downloadApp(t);
    const { app, host, model } = given;
    host.misbehave = ({ url }, response, file) => {
      if (!isContent(url) || !file) return false;
      response.writeHead(200, { 'content-length': file.length });
      for (const byte of file.subarray(0, 6)) response.write(Buffer.of(byte));
      setImmediate(() => response.end(file.subarray(6)));
      return true;
    };
    assertDone(await fetched(app, model.name));
    await assertSameFile(given);
  });
});

suite('a host that sends something else', () => {
  test('than it announced is found out by the SHA-256, and nothing of it is kept', async (t) => {
    const { app, host, model, data } = await downloadApp(t);
    host.misbehave = ({ url }, response, file) => {
      if (!isContent(url) || !file) return false;
      const altered = Buffer.from(file);
      altered[4000] = (altered[4000] ?? 0) ^ 1;
      response.writeHead(200, { 'content-length': altered.length }).end(altered);
      return true;
    };
    assertFailed(
      await fetched(app, model.name),
      /is not the file that it announced: its SHA-256 is another/,
      /fetch it again/,
    );
    assert.deepEqual(readdirSync(join(data, 'downloads', model.name)), ['lock']);
    assert.ok(!existsSync(join(data, 'models')));
  });

  for (const [what, change] of [
    ['more', (file: Buffer) => Buffer.concat([file, Buffer.alloc(10)])],
    ['less', (file: Buffer) => file.subarray(0, -10)],
  ] as const)
    test(`${what} than it announced is refused`, async (t) => {
      const { app, host, model, data } = await downloadApp(t);
      host.misbehave = ({ url }, response, file) => {
        if (!isContent(url) || !file) return false;
        const changed = change(file);
        response.writeHead(200, { 'content-length': changed.length }).end(changed);
        return true;
      };
      assertFailed(
        await fetched(app, model.name),
        /^The file has [\d,]+ bytes, but its host announced [\d,]+$/,
        /again later/,
      );
      assert.ok(!existsSync(join(data, 'downloads', model.name, 'partial')));
    });

  test('more than it announced, without saying how much, is cut off', async (t) => {
    const { app, host, model } = await downloadApp(t);
    host.misbehave = ({ url }, response, file) => {
      if (!isContent(url) || !file) return false;
      response.writeHead(200); // in chunks, without a length
      response.write(file);
      response.end(Buffer.alloc(100));
      return true;
    };
    assertFailed(await fetched(app, model.name), /sends more than the file can have/, /again later/);
  });

  test('a web page in place of the file: says where to get it by hand', async (t) => {
    const { app, host, model } = await downloadApp(t, DRIVE);
    host.misbehave = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Quota exceeded</html>');
      return true;
    };
    const download = await fetched(app, model.name);
    assertFailed(
      download,
      /^drive\.usercontent\.google\.com gave a web page in place of a PyTorch file$/,
      /^Open https:\/\/drive\.usercontent\.google\.com\/download\?id=1OzSZbY5CP0zoUwYL2JlXCZRrpjkIjsq7.* in a browser .*, then drop the file here/,
    );
  });

  for (const [what, content, message] of [
    [
      'a page that does not say that it is one',
      '<!doctype html><title>Sign in</title>',
      /gave a web page in place/,
    ],
    ['another kind of file', 'GIF89a...........', /gave another kind of file in place/],
  ] as const)
    test(`${what} is known by its beginning`, async (t) => {
      const { app, host, model, data } = await downloadApp(t, DRIVE);
      host.misbehave = (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(content);
        return true;
      };
      assertFailed(await fetched(app, model.name), message, /^Open https:/);
      assert.equal(statSync(join(data, 'downloads', model.name, 'partial')).size, 0);
    });

  test('Google Drive asks whether a file is wanted that it has not scanned: it is, once', async (t) => {
    const given = await downloadApp(t, DRIVE);
    const { app, host, model } = given;
    host.showsPage = true;
    assertDone(await fetched(app, model.name));
    assert.equal(host.heard.length, 2);
    assert.match(host.heard[1]?.url ?? '', /\/download\?id=1Oz.*&export=download&confirm=t&uuid=fe0fb91b-/);
    await assertSameFile(given);
  });

  test('a PyTorch file that is no model of the catalogue is not imported, and is fetched anew next time', async (t) => {
    const { app, host, model, content, data } = await downloadApp(t, DRIVE);
    const broken = Buffer.from(content.subarray(0, content.length - 100));
    host.put(model, broken);
    const download = await fetched(app, model.name);
    assert.deepEqual([download.phase, download.error?.code], ['failed', 'BAD_CHECKPOINT']);
    assert.deepEqual(readdirSync(join(data, 'downloads', model.name)), ['lock']);
    host.put(model, content);
    assertDone(await fetched(app, model.name));
  });

  test('compressed content that nobody asked for is refused', async (t) => {
    const { app, host, model } = await downloadApp(t);
    host.misbehave = ({ url }, response) => {
      if (!isContent(url)) return false;
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('x');
      return true;
    };
    const download = await fetched(app, model.name);
    assert.match(download.error?.message ?? '', /sends the file compressed \(gzip\)/);
  });
});

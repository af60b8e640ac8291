import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { appError } from '../app-error.ts';
import {
  assertDone,
  assertFailed,
  assertSameFile,
  downloadApp,
  DRIVE,
  fetched,
  isContent,
} from '../../support/download-app.ts';
import type { DownloadApp } from '../../support/download-app.ts';
import { nextEvent } from '../../support/events.ts';
import { etagOf } from '../../support/model-host.ts';

suite('a host that does not give the file', () => {
  for (const [status, message, hint] of [
    [401, /asks for a login$/, /in a browser/],
    [403, /does not give the file$/, /page of the model/],
    [404, /does not have the file any more$/, /page of the model/],
    [500, /answers with status 500$/, /nothing of it is lost/],
  ] as const)
    test(`because of status ${status} says so`, async (t) => {
      const { app, host, model } = await downloadApp(t);
      host.misbehave = (_request, response) => {
        response.writeHead(status).end();
        return true;
      };
      assertFailed(await fetched(app, model.name), message, hint);
    });

  test('for it has too much to do is asked again when it says, be it seconds or a date', async (t) => {
    const now = Date.parse('2025-04-08T03:00:00Z');
    const given = await downloadApp(t, { clock: () => now });
    const { app, host, model, waits, events } = given;
    const answers = ['7', 'Tue, 08 Apr 2025 03:00:30 GMT'];
    host.misbehave = (_request, response) => {
      const after = answers.shift();
      if (after === undefined) return false;
      response.writeHead(429, { 'retry-after': after }).end();
      return true;
    };
    assertDone(await fetched(app, model.name));
    assert.deepEqual(waits, [7, 30]);
    const told = events.flatMap((event) =>
      event.type === 'download' && event.download.phase === 'waiting' ? [event.download.secondsLeft] : [],
    );
    assert.ok(told.includes(7));
    await assertSameFile(given);
  });

  test('for longer than two minutes is left alone, and the person told', async (t) => {
    const { app, host, model, waits } = await downloadApp(t);
    host.misbehave = (_request, response) => {
      response.writeHead(429, { 'retry-after': '3600' }).end();
      return true;
    };
    assertFailed(
      await fetched(app, model.name),
      /wants to be asked again in 60 minutes/,
      /Go on with the download then/,
    );
    assert.deepEqual(waits, []);
    host.misbehave = (_request, response) => {
      response.writeHead(503, { 'retry-after': '50' }).end();
      return true;
    };
    assertFailed(await fetched(app, model.name), /asks to wait again and again/, /later/);
    assert.deepEqual(waits, [50, 50]);
  });

  test('sends on in a circle, to nowhere or to what is not encrypted', async (t) => {
    const { app, host, model } = await downloadApp(t, DRIVE);
    const errorFor = async (location: string) => {
      host.misbehave = (_request, response) => {
        response.writeHead(302, { location }).end();
        return true;
      };
      return (await fetched(app, model.name)).error?.message ?? '';
    };
    assert.match(await errorFor('/download?again'), /sends on more than 5 times/);
    assert.match(await errorFor('http://[half'), /sends to an address that is none/);
    assert.match(await errorFor('ftp://127.0.0.1/x'), /sends to an address that is not encrypted/);
  });

  test('because nobody is there says so', async (t) => {
    const { app, model } = await downloadApp(t);
    process.env['WINNOW_MODEL_MIRROR'] = 'http://127.0.0.1:9'; // the port of `discard`, which nobody has
    assertFailed(
      await fetched(app, model.name),
      /cannot be reached: it refuses the connection/,
      /network and the proxy/,
    );
  });
});

suite('a download', () => {
  test('that is paused goes on where it stopped, in another Winnow too', async (t) => {
    const given = await downloadApp(t);
    const { app, host, model, content, again } = given;
    let asked = 0;
    host.misbehave = ({ url }, response, file) => {
      if (!isContent(url) || !file || ++asked > 1) return false;
      response.writeHead(200, { 'content-length': file.length, etag: `"${etagOf(file)}"` });
      response.write(file.subarray(0, 3000)); // the rest never comes
      return true;
    };
    const isUnderWay = nextEvent(app, (event) => event.type === 'download' && event.download.done === 3000);
    await app.startDownload({ model: model.name });
    await isUnderWay;
    await app.pauseDownload({ model: model.name });
    const paused = (await app.availableModels({}))[0]?.download;
    assert.deepEqual([paused?.phase, paused?.done, paused?.total], ['paused', 3000, content.length]);
    await app.close();
    const other = again();
    const left = (await other.app.availableModels({}))[0]?.download;
    assert.deepEqual([left?.phase, left?.done, left?.total], ['paused', 3000, content.length]);
    assertDone(await fetched(other.app, model.name));
    assert.equal(host.heard.at(-1)?.range, 'bytes=3000-');
    await assertSameFile({ ...given, app: other.app });
  });

  test('that is cancelled leaves nothing', async (t) => {
    const { app, host, model, data } = await downloadApp(t);
    host.misbehave = ({ url }, response, file) => {
      if (!isContent(url) || !file) return false;
      response.writeHead(200, { 'content-length': file.length });
      response.write(file.subarray(0, 3000));
      return true;
    };
    const isUnderWay = nextEvent(app, (event) => event.type === 'download' && event.download.done === 3000);
    await app.startDownload({ model: model.name });
    await isUnderWay;
    await app.cancelDownload({ model: model.name });
    assert.deepEqual(readdirSync(join(data, 'downloads')), []);
    assert.equal((await app.availableModels({}))[0]?.download, undefined);
  });

  test('whose beginning is longer than the file, or of a note that is not understood, begins anew', async (t) => {
    const given = await downloadApp(t);
    const { app, model, content, data } = given;
    host404Once(given);
    await fetched(app, model.name);
    const folder = join(data, 'downloads', model.name);
    writeFileSync(join(folder, 'partial'), Buffer.alloc(content.length + 5));
    writeFileSync(join(folder, 'note.json'), '{"model": 1');
    assertDone(await fetched(app, model.name));
    await assertSameFile(given);
  });

  test('that is whole but for being compared is answered by 416, and is compared', async (t) => {
    const given = await downloadApp(t);
    const { app, model, content, data, host } = given;
    host404Once(given);
    await fetched(app, model.name);
    const folder = join(data, 'downloads', model.name);
    writeFileSync(join(folder, 'partial'), content);
    const { address } = model.file;
    const note = { model: model.name, address, sha256: etagOf(content), validator: `"${etagOf(content)}"` };
    writeFileSync(join(folder, 'note.json'), JSON.stringify(note));
    host.misbehave = ({ method }, response) => {
      if (method !== 'HEAD') return false;
      response.writeHead(302, { 'x-linked-etag': `"${etagOf(content)}"`, location: '/cdn/x' }).end();
      return true; // without a size
    };
    assertDone(await fetched(app, model.name));
    assert.equal(host.heard.at(-1)?.range, `bytes=${content.length}-`);
    await assertSameFile(given);
  });

  test('that another Winnow works at is refused', async (t) => {
    const { app, host, model, again } = await downloadApp(t);
    host.misbehave = () => true; // no answer
    await app.startDownload({ model: model.name });
    const other = again();
    await assert.rejects(
      other.app.startDownload({ model: model.name }),
      appError('BAD_ARGUMENT', /^Another Winnow fetches Vim-T now$/),
    );
    await app.pauseDownload({ model: model.name });
  });

  test('for which the disk has no room does not begin', async (t) => {
    const { app, host, model, content } = await downloadApp(t);
    host.misbehave = ({ method }, response) => {
      if (method !== 'HEAD') return false;
      const headers = { 'x-linked-etag': `"${etagOf(content)}"`, 'x-linked-size': String(2 ** 52) };
      response.writeHead(302, { ...headers, location: '/cdn/x' }).end();
      return true;
    };
    const { error } = await fetched(app, model.name);
    assert.equal(error?.code, 'DISK_FULL');
    assert.match(
      error.message,
      /^Vim-T, with its package, needs [\d,]+ MB in .*, but [\d,]+ MB are free there$/,
    );
    assert.deepEqual(
      host.heard.map(({ method }) => method),
      ['HEAD'],
    );
  });

  test('of a model whose name is taken by another gets a name that is free', async (t) => {
    const given = await downloadApp(t);
    const { app, model, content, data } = given;
    const file = join(data, 'mine.pth');
    writeFileSync(file, content);
    await app.importModel({ file, name: model.name });
    const download = await fetched(app, model.name);
    assert.deepEqual([download.phase, download.package], ['done', 'vim-t-2']);
  });

  test('is not made of a model that the catalogue does not have', async (t) => {
    const { app } = await downloadApp(t);
    await assert.rejects(app.startDownload({ model: 'vim-xl' }), appError('NOT_FOUND', /no model vim-xl/));
    await assert.rejects(
      app.pauseDownload({ model: 'vim-t' }),
      appError('NOT_FOUND', /No download of vim-t/),
    );
  });

  test('is of the version that the catalogue knows, where it knows one', async (t) => {
    const sha256 = 'a'.repeat(64);
    const given = await downloadApp(t);
    const { again, model } = given;
    const { app } = again({ models: [{ ...model, file: { ...model.file, sha256 } }] });
    const { error } = await fetched(app, model.name);
    assert.match(
      error?.message ?? '',
      /has another file at the address than the one that the catalogue knows/,
    );
  });
});

/** Has the host refuse the next request, so that the download's folder is there. */
function host404Once({ host }: DownloadApp): void {
  host.misbehave = (_request, response) => {
    host.misbehave = undefined;
    response.writeHead(404).end();
    return true;
  };
}

test('an exported model is the same file, for the next computer', async (t) => {
  const given = await downloadApp(t);
  const { app, model, data } = given;
  assertDone(await fetched(app, model.name));
  const stick = join(data, 'downloads'); // any folder
  const copy = await app.exportModel({ model: model.name, folder: stick });
  assert.equal(copy, join(stick, 'vim-t.safetensors'));
  assert.deepEqual(readFileSync(copy), readFileSync(join(data, 'models/vim-t.safetensors')));
  await assert.rejects(
    app.exportModel({ model: model.name, folder: stick }),
    appError('FILE_EXISTS', /There is a file .* already/),
  );
  await assert.rejects(
    app.exportModel({ model: model.name, folder: join(stick, 'nowhere') }),
    appError('NOT_FOUND', /There is no folder/),
  );
});

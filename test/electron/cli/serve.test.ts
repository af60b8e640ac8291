import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { root } from '../../../build/setup.mjs';
import { countResults, start, winnow } from '../support/command-line.ts';
import { drawFolder } from '../support/pictures.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { dial, enter, nextMessage } from '../serve/visitor.ts';
import { encodeWire } from '../../../electron/shared/wire.ts';

const isBuilt = existsSync(join(root, 'out/renderer/index.html'));

suite('winnow serve', { skip: isBuilt ? false : 'the window is not built' }, () => {
  test('says where the window is; interrupted, it saves the run under way', async (t) => {
    const data = temporaryFolder(t);
    const folder = join(temporaryFolder(t), 'pictures');
    await drawFolder(folder, 400);
    const { child, ended } = start(data, 'serve', '--port', '0');
    t.after(() => child.kill('SIGKILL'));
    const url = await new Promise<string>((resolve) => {
      let printed = '';
      child.stdout?.on('data', (text: string) => {
        printed += text;
        const [found] = /http:\S+token=[\w-]+/.exec(printed) ?? [];
        if (found !== undefined) resolve(found);
      });
    });
    const server = { url, port: Number(new URL(url).port), close: () => Promise.resolve() };
    const socket = await dial(server, { Cookie: await enter(server), Origin: new URL(url).origin });
    t.after(() => socket.terminate());
    const labelled = nextMessage<{ event?: { type: string } }>(
      socket,
      ({ event }) => event?.type === 'labelled',
    );
    socket.send(
      encodeWire({ id: 1, name: 'queueRun', request: { folders: [folder], batch: 4, device: 'reference' } }),
    );
    await labelled;
    child.kill('SIGINT');
    const { code, stdout, stderr } = await ended;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /ssh -L \d+:127\.0\.0\.1:\d+/);
    assert.match(stderr, /Saving the images under way/);
    const counts = countResults(data);
    assert.ok((counts?.['ok'] ?? 0) > 0 && (counts?.['pending'] ?? 0) > 0);
    assert.match((await winnow(data, 'runs')).stdout, /paused/);
  });

  test('refuses ports that there are not', async (t) => {
    for (const port of ['-1', '1.5', '65536', 'x'])
      assert.equal((await winnow(temporaryFolder(t), 'serve', `--port=${port}`)).code, 2);
  });
});

import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { catalogue, catalogueModel } from '../../../electron/core/catalogue/read-catalogue.ts';
import { start, winnow } from '../support/command-line.ts';
import { setVariables } from '../support/environment.ts';
import { etagOf, ModelHost } from '../support/model-host.ts';
import { PUBLISHED_FILES, randomBlock, writePublished } from '../support/published-checkpoints.ts';
import { smallModel } from '../support/small-catalogue.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A file with the keys, shapes and arguments of the published Vim-T, in a folder of its own. */
function publishedFile(folder: string, name: string): Buffer {
  const path = join(folder, name);
  const file = PUBLISHED_FILES['vim-t'];
  assert.ok(file);
  writePublished(path, file, { block: randomBlock() });
  return readFileSync(path);
}

suite('winnow models', () => {
  test('available lists the catalogue, and all of one', async (t) => {
    const data = temporaryFolder(t);
    const { code, stdout } = await winnow(data, 'models', 'available');
    assert.equal(code, 0);
    const names = stdout.split('\n').map((line) => line.split(' ')[0]);
    for (const { name } of catalogue()) assert.ok(names.includes(name), name);
    assert.match(stdout, /^mambareg-l +MambaReg-L +83\.6 % +1365 MB +none stated +no$/m);
    const one = await winnow(data, 'models', 'available', 'vim-t');
    assert.match(one.stdout, /^Licence +Apache-2\.0$/m);
    assert.match(
      one.stdout,
      /^Published +top-1 76\.1 % of the validation pictures of ImageNet-1K \(https:\S+\)$/m,
    );
    assert.doesNotMatch(one.stdout, /EMA/);
    assert.match(
      (await winnow(data, 'models', 'available', 'vim-b')).stdout,
      /^Published +top-1 81\.9 % .*\n +as others report, that of the running mean of the weights \(EMA\)/m,
    );
    const none = await winnow(data, 'models', 'available', 'vim-xl');
    assert.deepEqual([none.code, none.stdout], [2, '']);
  });

  test('get is paused by Ctrl-C and goes on, imports, and is exported for the next computer', async (t) => {
    const [data, stick, next] = [temporaryFolder(t), temporaryFolder(t), temporaryFolder(t)];
    const host = await ModelHost.start(t);
    setVariables(t, { WINNOW_MODEL_MIRROR: host.address });
    const content = publishedFile(stick, 'made.pth');
    host.put(catalogueModel('vim-t'), content);
    const half = Math.floor(content.length / 2);
    host.misbehave = ({ url }, response, file) => {
      if (url?.startsWith('/cdn/') !== true || !file) return false;
      response.writeHead(200, { 'content-length': file.length, etag: `"${etagOf(file)}"` });
      response.write(file.subarray(0, half)); // the rest never comes
      return true;
    };
    const begun = start(data, 'models', 'get', 'vim-t');
    const partial = join(data, 'downloads/vim-t/partial');
    while (statSync(partial, { throwIfNoEntry: false })?.size !== half) await wait(20);
    begun.child.kill('SIGINT');
    const paused = await begun.ended;
    assert.equal(paused.code, 1);
    assert.match(paused.stderr, /Pausing; press Ctrl-C again/);
    assert.match(
      paused.stderr,
      /winnow: Paused; [\d.]+ MB of vim-t are here\.\n`winnow models get vim-t` goes on\.\n$/,
    );
    assert.match((await winnow(data, 'models', 'available')).stdout, /^vim-t +Vim-T .* MB so far$/m);
    host.misbehave = undefined;
    const done = await winnow(data, 'models', 'get', 'vim-t');
    assert.deepEqual([done.code, done.stdout.split('\n')[0]], [0, 'vim-t is here, as the model vim-t.']);
    assert.match(done.stdout, /winnow calibrate --model vim-t/);
    assert.equal(host.heard.at(-1)?.range, `bytes=${half}-`);
    const card = (await winnow(data, 'models', 'show', 'vim-t')).stdout;
    assert.match(card, new RegExp(`^SHA-256 of that +${etagOf(content)}$`, 'm'));
    assert.match(card, /^Published top-1 +76\.1 % of the validation pictures of ImageNet-1K/m);
    const again = await winnow(data, 'models', 'get', 'vim-t');
    assert.equal(again.code, 2);
    assert.match(again.stderr, /Vim-T is here already, as the model vim-t/);
    const exported = await winnow(data, 'models', 'export', 'vim-t', '--to', stick);
    assert.equal(exported.code, 0);
    const file = join(stick, 'vim-t.safetensors');
    assert.match(exported.stdout, /^.*vim-t\.safetensors\nOn the next computer: winnow models get vim-t/);
    assert.equal((await winnow(next, 'models', 'get', file)).code, 0);
    assert.match((await winnow(next, 'models', 'show', 'vim-t')).stdout, /^To be cited as +L\. Zhu/m);
    assert.match((await winnow(next, 'models', 'available')).stdout, /^vim-t +Vim-T .* vim-t$/m);
  });

  test('get of a file knows it by its name, or is told, and says what it cannot tell', async (t) => {
    const data = temporaryFolder(t);
    publishedFile(data, 'vim_t_midclstok_76p1acc.pth');
    const known = await winnow(data, 'models', 'get', join(data, 'vim_t_midclstok_76p1acc.pth'));
    assert.deepEqual(
      [known.code, known.stdout.split('\n')[0]],
      [0, 'vim-t is here, from vim-t of the catalogue.'],
    );
    const { content } = smallModel(catalogueModel('dyvm-vim-s'));
    writeFileSync(join(data, 'best.pth'), content);
    const told = await winnow(data, 'models', 'get', join(data, 'best.pth'), '--as', 'dyvm-vim-s');
    assert.equal(told.code, 2);
    assert.match(told.stderr, /has [\d,]+ weights, but DyVM-Vim-S has 26,594,110/);
    const damaged = join(data, 'damaged.safetensors');
    writeFileSync(damaged, 'x');
    assert.equal((await winnow(data, 'models', 'get', damaged)).code, 1);
  });
});

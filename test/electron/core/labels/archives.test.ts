import assert from 'node:assert/strict';
import { createWriteStream, existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { suite, test } from 'node:test';
import { ZipFile } from 'yazl';
import type { Options } from 'yazl';
import { AppError } from '../../../../electron/shared/errors.ts';
import { labelWorld, skipped } from './support.ts';

const BOX = '0 0.5 0.5 1 1\n';
const FOUND = { 'a.png': { label: 'cat', boxes: ['cat 1 0 0 100 80'] } };

/** A file of an archive; `called`: as which it stands in the bytes, of the same length, where yazl writes no such name. */
interface Part {
  name: string;
  text?: string | Buffer;
  called?: string;
  options?: Partial<Options>;
}

const part = (name: string, text: string | Buffer = BOX, more: Partial<Part> = {}): Part => ({
  name,
  text,
  ...more,
});
const SET = [part('set/classes.txt', 'cat\n'), part('set/labels/a.txt')];

async function archives(t: Parameters<typeof labelWorld>[0]) {
  const world = await labelWorld(t, ['a.png']);
  const zip = async (name: string, parts: readonly Part[]): Promise<string> => {
    const archive = new ZipFile();
    for (const { name: inside, text = '', options } of parts)
      archive.addBuffer(Buffer.from(text), inside, { compress: false, ...options });
    archive.end();
    const path = join(world.root, name);
    await pipeline(archive.outputStream, createWriteStream(path));
    for (const { name: inside, called } of parts) {
      if (called === undefined) continue;
      assert.equal(called.length, inside.length);
      writeFileSync(path, readFileSync(path).toString('latin1').replaceAll(inside, called), 'latin1');
    }
    return path;
  };
  /** The one sentence that an import of an archive is refused with; nothing is left of it, and nothing came in. */
  const refusal = async (path: string): Promise<string> => {
    const error = await world.run(path).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof AppError, String(error));
    assert.equal(error.code, 'BAD_ARGUMENT');
    assert.ok(!/\n|unpacked\//.test(error.message), error.message);
    assert.ok(error.message.startsWith(`The archive ${path} cannot be unpacked: `), error.message);
    assert.deepEqual(
      readdirSync(world.root).filter((name) => name.startsWith('.winnow')),
      [],
    );
    assert.deepEqual(await world.app.listRuns({}), []);
    return error.message;
  };
  return { ...world, zip, refusal };
}

suite('an archive of labels', () => {
  test('with a path that is absolute, of a drive, or leads upwards, with either slash, is refused, and nothing is written outside', async (t) => {
    const { zip, refusal, root } = await archives(t);
    const outside = join(root, 'evil.txt');
    for (const [called, reason] of [
      [outside, /absolute path/],
      ['C:/evil.txt', /absolute path/],
      ['c:\\evil.txt', /absolute path/],
      ['\\\\server\\share\\evil.txt', /absolute path/],
      ['..\\..\\..\\evil.txt', /relative path/],
      ['set/labels/../../../../evil.txt', /relative path/],
      ['../evil.txt', /relative path/],
      ['set/..', /relative path/],
    ] as const) {
      const evil = { ...part('x'.repeat(called.length)), called };
      assert.match(await refusal(await zip('evil.zip', [...SET, evil])), reason, called);
    }
    assert.ok(!existsSync(outside) && !existsSync(join(root, '..', 'evil.txt')));
  });

  test('with backslashes between its folders is read as with slashes', async (t) => {
    const { zip, run } = await archives(t);
    const names = ['set/classes.txt', 'set/labels/a.txt'];
    const parts = SET.map((one, index) => ({ ...one, called: names[index]?.replaceAll('/', '\\') ?? '' }));
    assert.deepEqual((await run(await zip('windows.zip', parts))).found, FOUND);
  });

  test('with links, pipes and devices is read without them, and they are counted', async (t) => {
    const { zip, run, root } = await archives(t);
    const link = (name: string, mode: number) => part(name, '/etc/passwd', { options: { mode } });
    const parts = [
      ...SET,
      link('set/labels/b.txt', 0o120777),
      link('set/labels/c.txt', 0o010644),
      link('set/labels/d.txt', 0o020644),
      link('set/photo.png', 0o120777),
    ];
    const { found, report } = await run(await zip('links.zip', parts));
    assert.deepEqual(found, FOUND);
    assert.deepEqual(skipped(report), { link: 4 });
    assert.equal(report.entries, 1);
    assert.ok(!lstatSync(root).isSymbolicLink());
    const through = [part('set/labels/out.txt', '..', { options: { mode: 0o120777 } }), ...SET];
    assert.deepEqual((await run(await zip('through.zip', through))).found, FOUND);
  });

  test('that holds nothing but links says what it holds, by its own name', async (t) => {
    const { zip, run } = await archives(t);
    const path = await zip('only.zip', [part('labels.json', '/etc/passwd', { options: { mode: 0o120777 } })]);
    await assert.rejects(run(path), {
      code: 'BAD_ARGUMENT',
      message: `Expected a folder of labels in ${path}, but it is empty`,
    });
  });

  test('with a path twice, also as a file and a folder, is refused', async (t) => {
    const { zip, refusal } = await archives(t);
    const again = part('set/labels/a.txt', '0 0.1 0.1 0.1 0.1\n');
    assert.match(
      await refusal(await zip('twice.zip', [...SET, again])),
      /has the path "set\/labels\/a\.txt" twice/,
    );
    const below = part('set/labels/a.txt/b.txt');
    assert.match(await refusal(await zip('below.zip', [...SET, below])), /has the path .*b\.txt" twice/);
    const above = [part('set/a.txt/b.txt'), part('set/a.txt')];
    assert.match(await refusal(await zip('above.zip', above)), /has the path "set\/a\.txt" twice/);
  });

  test('with names that differ only by case is read, or refused where the disk takes them for one', async (t) => {
    const { zip, run, refusal, put, root } = await archives(t);
    put('Case', '');
    const path = await zip('case.zip', [...SET, part('set/labels/A.txt', '0 0.1 0.1 0.1 0.1\n')]);
    if (existsSync(join(root, 'cASE'))) assert.match(await refusal(path), /twice, once in another case/);
    else assert.equal((await run(path)).report.entries, 2);
  });

  test('with a path that has a zero byte, too many folders, or too long a name is refused', async (t) => {
    const { zip, refusal } = await archives(t);
    const zero = { ...part('set/labels/b.txt'), called: 'set/labels\0b.txt' };
    assert.match(
      await refusal(await zip('zero.zip', [...SET, zero])),
      /the path "set\/labels.*in it has a zero byte/,
    );
    const deep = part(`${'d/'.repeat(100)}b.txt`);
    assert.match(await refusal(await zip('deep.zip', [...SET, deep])), /has more than 64 folders/);
    const long = part(`set/${'n'.repeat(300)}.txt`);
    assert.match(await refusal(await zip('long.zip', [...SET, long])), /is too long/);
  });

  test('that unpacks to far more than it is, is refused before it fills the disk', async (t) => {
    const { zip, refusal } = await archives(t);
    const bomb = part('bomb.json', Buffer.alloc(80 * 2 ** 20), { options: { compress: true } });
    assert.match(await refusal(await zip('bomb.zip', [bomb])), /it unpacks to more than 67108864 bytes/);
  });

  test('that is encrypted, damaged or cut off is refused', async (t) => {
    const { zip, refusal, root, put } = await archives(t);
    const good = readFileSync(await zip('good.zip', SET));
    const packed = SET.map((one) => ({ ...one, options: { compress: true } }));
    const encrypted = readFileSync(await zip('packed.zip', packed));
    for (const [signature, flags] of [
      ['PK\x03\x04', 6],
      ['PK\x01\x02', 8],
    ] as const)
      for (let at = -1; (at = encrypted.indexOf(signature, at + 1, 'latin1')) >= 0;)
        encrypted.writeUInt8(encrypted.readUInt8(at + flags) | 1, at + flags);
    assert.match(await refusal(put('encrypted.zip', encrypted)), /"set\/classes\.txt" in it is encrypted/);
    const damaged = Buffer.from(good.toString('latin1').replace('0 0.5 0.5', '0 0.6 0.5'), 'latin1');
    assert.match(await refusal(put('damaged.zip', damaged)), /"set\/labels\/a\.txt" in it is damaged/);
    for (const share of [0.2, 0.6, 0.95]) {
      const cut = put('cut.zip', good.subarray(0, Math.floor(good.length * share)));
      assert.match(await refusal(cut), /it is cut off, damaged, or no zip/);
    }
    assert.ok(existsSync(join(root, 'good.zip')));
  });
});

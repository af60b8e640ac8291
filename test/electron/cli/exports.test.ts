import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import readXlsxFile from 'read-excel-file/node';
import { entry, winnow } from '../support/command-line.ts';
import { writeFiles } from '../support/files.ts';
import { session } from '../support/test-app.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { csvRows, readCsv } from '../support/csv.ts';
import { interruptSort } from '../support/interrupted-sort.ts';

/** A data folder whose library has run 1 on a few files, made without the engine; two of them are reviewed. */
async function place(t: TestContext, names: readonly string[]): Promise<{ data: string; folder: string }> {
  const data = temporaryFolder(t);
  const folder = join(data, 'pictures');
  writeFiles(folder, Object.fromEntries(names.map((name) => [name, name])));
  const { app } = session(t, join(data, 'library.db'));
  await app.run({ folders: [folder], batch: 1000 });
  const { imageIds } = await app.findImages({ runId: 1, filter: {}, sort: 'path' });
  const [first = 0, second = 0] = imageIds;
  await app.review({ runId: 1, imageIds: [first], verdict: { kind: 'accept' } });
  await app.review({ runId: 1, imageIds: [second], verdict: { kind: 'label', label: 'red fox' } });
  await app.close();
  return { data, folder };
}

const names = ['1.jpg', '2.jpg', '3.jpg', 'a/1.jpg', 'bad.jpg'];

suite('winnow show', () => {
  test('says how many images people have reviewed, and how many of them got another label', async (t) => {
    const { data } = await place(t, names);
    const { code, stdout, stderr } = await winnow(data, 'show', '1');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /\nreviewed +2 images verified, 1 of them corrected *\n/);
  });
});

suite('winnow export', () => {
  test('writes what the filters let through, in every format', async (t) => {
    const { data } = await place(t, names);
    const out = join(data, 'out');
    const paths = async (...options: string[]) => {
      const { code, stderr } = await winnow(data, 'export', '1', '--format', 'csv', '--out', out, ...options);
      assert.equal(code, 0, stderr);
      return readCsv(out).map((row) => row['relative_path']);
    };
    assert.deepEqual(await paths('--status', 'verified'), ['1.jpg', '2.jpg']);
    assert.deepEqual(await paths('--status', 'unverified'), ['3.jpg', 'a/1.jpg']);
    assert.deepEqual(await paths('--status', 'corrected'), ['2.jpg']);
    assert.deepEqual(await paths('--only', 'failed'), ['bad.jpg']);
    assert.deepEqual(await paths('--label', 'Automobile'), ['1.jpg', 'a/1.jpg']);
    assert.deepEqual(await paths('--label', 'RED fox', '--min-confidence', '0.5'), ['2.jpg']);
    const { stdout } = await winnow(data, 'export', '1', '--format', 'xlsx', '--out', `${out}.xlsx`);
    assert.match(stdout, /out\.xlsx \(5 rows\)\.\n$/);
    const [sheet] = await readXlsxFile(`${out}.xlsx`);
    assert.deepEqual(
      sheet?.data.slice(1).map(([path]) => path),
      names,
    );
  });

  test('names columns as before with --columns classic, and refuses other sets', async (t) => {
    const { data } = await place(t, names);
    const write = (...options: string[]) =>
      winnow(data, 'export', '1', '--format', 'csv', '--out', '-', '--status', 'corrected', ...options);
    const row = async (...options: string[]) => csvRows((await write(...options)).stdout)[0] ?? {};
    const standard = await row();
    assert.deepEqual(
      [standard['label'], standard['label_source'], standard['predicted_label'], standard['human_label']],
      ['red fox', 'person', 'bird', undefined],
    );
    const classic = await row('--columns', 'classic');
    assert.deepEqual(
      [classic['label'], classic['human_label'], classic['label_source']],
      ['bird', 'red fox', undefined],
    );
    assert.equal((await write('--columns', 'modern')).code, 2);
  });

  test('keeps to a folder and those below it, and refuses one without images of the run', async (t) => {
    const { data, folder } = await place(t, ['1.jpg', 'a/1.jpg', 'a/b/1.jpg', 'ab/1.jpg', 'c d/e/1.jpg']);
    const paths = async (path: string) => {
      const to = ['--format', 'csv', '--out', '-'];
      const { code, stdout, stderr } = await winnow(data, 'export', '1', ...to, '--folder', path);
      assert.equal(code, 0, stderr);
      return csvRows(stdout).map((row) => row['relative_path']);
    };
    for (const path of ['a', './a/', join(folder, 'a')])
      assert.deepEqual(await paths(path), ['a/1.jpg', 'a/b/1.jpg']);
    assert.deepEqual(await paths('c d/e'), ['c d/e/1.jpg']);
    assert.equal((await paths(folder)).length, 5);
    symlinkSync(folder, join(data, 'link'), 'junction'); // another way to the folder, as another case is on Windows
    assert.deepEqual(await paths(join(data, 'link', 'a')), ['a/1.jpg', 'a/b/1.jpg']);
    const sort = ['sort', '1', '--to', join(data, 'sorted'), '--copy', '--dry-run', '--folder'];
    assert.match((await winnow(data, ...sort, 'a/b')).stdout, /^1 image /);
    for (const path of ['b', 'a/1.jpg', join(data, 'elsewhere')]) {
      const { code, stderr } = await winnow(data, ...sort, path);
      assert.deepEqual(
        [code, stderr.split('\n')[0]],
        [2, `winnow: No image of run 1 lies in a folder ${path}.`],
      );
    }
  });

  test('refuses a label that nobody knows, and two kinds of status', async (t) => {
    const { data } = await place(t, names);
    const to = ['--format', 'csv', '--out', join(data, 'out.csv')];
    const unknown = await winnow(data, 'export', '1', ...to, '--label', 'unicorn');
    assert.deepEqual(
      [unknown.code, unknown.stderr.split('\n')[0]],
      [2, 'winnow: The model everyday10 has no class unicorn.'],
    );
    const both = await winnow(data, 'export', '1', ...to, '--only', 'ok', '--status', 'verified');
    assert.equal(both.code, 2);
    assert.equal(existsSync(join(data, 'out.csv')), false);
  });

  const onWindows = process.platform === 'win32' && 'needs a limit on the size of files';
  test('that cannot be written to its end leaves nothing behind', { skip: onWindows }, async (t) => {
    const many = Array.from({ length: 3000 }, (_, index) => `a picture with a rather long name ${index}.jpg`);
    const { data } = await place(t, many);
    const to = join(data, 'to');
    mkdirSync(to);
    for (const format of ['csv', 'json', 'xlsx']) {
      // The shell's limit stands for a full disk: no file may become larger than 64 blocks of 1 KiB.
      const command = `ulimit -f 64; exec "$0" "${entry}" export 1 --format ${format} --out "${to}/out.${format}"`;
      const env = { ...process.env, WINNOW_DATA: data };
      const { status, stderr } = spawnSync('bash', ['-c', command, process.execPath], {
        env,
        encoding: 'utf8',
      });
      assert.equal(status, 1, stderr);
      assert.match(
        stderr,
        new RegExp(`^winnow: The file .*out\\.${format} cannot be written: .*\\.\nName another place\\.\n$`),
      );
    }
    assert.deepEqual(readdirSync(to), []);
  });

  test('writes CSV and JSON to standard output, and what it says to standard error', async (t) => {
    const { data } = await place(t, names);
    const csv = await winnow(data, 'export', '1', '--format', 'csv', '--out', '-');
    assert.equal(csvRows(csv.stdout).length, names.length);
    assert.match(csv.stderr, /Wrote standard output \(5 rows\)\.\n$/);
    const json = await winnow(data, 'export', '1', '--format', 'json', '--out', '-');
    assert.equal((JSON.parse(json.stdout) as { files: object[] }).files.length, names.length);
    const xlsx = await winnow(data, 'export', '1', '--format', 'xlsx', '--out', '-');
    assert.deepEqual([xlsx.code, xlsx.stdout], [2, '']);
    assert.match(xlsx.stderr, /^winnow: Only text can go to standard output, but xlsx is none\.\n/);
    assert.ok(!existsSync('-'));
  });

  test('replaces a file only with --force, and nothing but a file', async (t) => {
    const { data } = await place(t, names);
    const out = join(data, 'mine.csv');
    writeFileSync(out, 'mine');
    const write = (...options: string[]) => winnow(data, 'export', '1', '--format', 'csv', ...options);
    const refused = await write('--out', out);
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /^winnow: There is a file .*mine\.csv already, so nothing was written\.\nSay --force/,
    );
    assert.equal(readFileSync(out, 'utf8'), 'mine');
    assert.equal((await write('--out', out, '--force')).code, 0);
    assert.equal((await write('--out', out)).code, 0); // its own, untouched
    const library = readFileSync(join(data, 'library.db'));
    const own = await write('--out', join(data, 'library.db'), '--force');
    assert.match(own.stderr, /library\.db is the library itself, which nothing is written over/);
    assert.deepEqual([own.code, readFileSync(join(data, 'library.db')).equals(library)], [2, true]);
    const backup = await winnow(data, 'library', 'backup', join(data, 'pictures/1.jpg'), '--force');
    assert.match(backup.stderr, /1\.jpg is a picture, which nothing is written over/);
    assert.equal(readFileSync(join(data, 'pictures/1.jpg'), 'utf8'), '1.jpg');
  });
});

suite('winnow sort and unsort', () => {
  test('say first what they would do, do it, and take it back', async (t) => {
    const { data, folder } = await place(t, names);
    const to = join(data, 'sorted');
    const plan = await winnow(data, 'sort', '1', '--to', to, '--move', '--dry-run');
    assert.equal(plan.code, 0, plan.stderr);
    assert.match(
      plan.stdout,
      /^4 images \(22 B\) would be moved; .*B are free there\.\nrenamed, since their name is taken +1\nwithout a label, so they stay +1\n/,
    );
    assert.match(plan.stdout, /\n\nLABEL +FOLDER +FILES\nautomobile +automobile +2\n/);
    assert.equal(existsSync(to), false);

    const moved = await winnow(data, 'sort', '1', '--to', to, '--move', '--status', 'verified');
    assert.deepEqual(
      [moved.code, moved.stdout],
      [0, `Moved 2 images to ${to}.\n\`winnow unsort 1\` takes that back.\n`],
    );
    assert.deepEqual(readdirSync(to).sort(), ['automobile', 'red fox']);
    // The two that were moved lie in place; of the other two one is not there now.
    renameSync(join(folder, '3.jpg'), join(data, '3.jpg'));
    const copied = await winnow(data, 'sort', '1', '--to', to, '--copy');
    assert.equal(copied.code, 3);
    assert.match(copied.stdout, /^Copied 1 image .*\n.*\n1 file stayed:\n.*3\.jpg: the file is not there\n/);
    renameSync(join(data, '3.jpg'), join(folder, '3.jpg'));

    const listed = await winnow(data, 'unsort');
    assert.match(listed.stdout, /^NUMBER +MODE +FILES .*\n2 +copy +1 .*\n1 +move +2 /);
    assert.equal((await winnow(data, 'unsort', '2')).stdout, 'Deleted 1 copied image.\n');
    assert.equal((await winnow(data, 'unsort', '1')).stdout, 'Moved back 2 images.\n');
    assert.equal((await winnow(data, 'unsort')).stdout, 'There is nothing to undo.\n');
    assert.deepEqual(
      [existsSync(to), readdirSync(folder).sort()],
      [false, ['1.jpg', '2.jpg', '3.jpg', 'a', 'bad.jpg']],
    );
    const again = await winnow(data, 'unsort', '1');
    assert.deepEqual(
      [again.code, again.stderr.split('\n')[0]],
      [2, 'winnow: There is no transfer 1 that can be undone.'],
    );
  });

  test('list a sorting that was killed as interrupted, and go on with it', async (t) => {
    const many = Array.from({ length: 130 }, (_, index) => `${index}.jpg`);
    const { data, folder } = await place(t, many);
    const to = join(data, 'sorted');
    await interruptSort(data, to, many.length);

    const listed = await winnow(data, 'unsort');
    assert.match(listed.stdout, /\n1 +move +64 +2026-01-02 03:04 +interrupted +\//);
    assert.match(listed.stdout, /\n`winnow sort --resume 1` goes on with sorting 1\.\n$/);
    const mixed = await winnow(data, 'sort', '1', '--resume', '1');
    assert.deepEqual(
      [mixed.code, mixed.stderr.split('\n')[0]],
      [2, 'winnow: --resume says which run, where to and how by itself.'],
    );
    const resumed = await winnow(data, 'sort', '--resume', '1');
    assert.deepEqual(
      [resumed.code, resumed.stdout],
      [0, `Moved 130 images to ${to}.\n\`winnow unsort 1\` takes that back.\n`],
      resumed.stderr,
    );
    assert.deepEqual(readdirSync(folder), []);
    assert.match((await winnow(data, 'unsort')).stdout, /\n1 +move +130 .* done +\//);
    assert.equal((await winnow(data, 'unsort', '1')).stdout, 'Moved back 130 images.\n');
  });

  test('ask what is to be done with the files', async (t) => {
    const { data } = await place(t, ['1.jpg', '2.jpg']);
    for (const mode of [[], ['--copy', '--move']]) {
      const { code, stderr } = await winnow(data, 'sort', '1', '--to', join(data, 'to'), ...mode);
      assert.deepEqual([code, stderr.split('\n')[0]], [2, 'winnow: Either --copy or --move must be given.']);
    }
  });
});

suite('winnow library', () => {
  test('tells what there is, backs it up and restores it', async (t) => {
    const { data } = await place(t, names);
    const info = await winnow(data, 'library', 'info');
    assert.equal(info.code, 0, info.stderr);
    assert.match(info.stdout, /^library +.*library\.db\nsize .*\nholds +1 folder, 5 images, 1 run\n/);
    const out = join(data, 'copy.db');
    assert.match((await winnow(data, 'library', 'backup', out)).stdout, /^Wrote .*copy\.db \(.*B\)\.\n$/);
    writeFileSync(join(data, 'library.db'), 'no library '.repeat(1000));
    const damaged = await winnow(data, 'runs');
    assert.equal(damaged.code, 1);
    assert.match(damaged.stderr, /is not a Winnow library or is damaged/);
    const restored = await winnow(data, 'library', 'restore', out);
    assert.equal(restored.code, 0, restored.stderr);
    assert.match(
      restored.stdout,
      /^The library was restored from .*copy\.db\.\nlibrary [^]*\nBackups\n.*replaced/,
    );
    assert.match((await winnow(data, 'runs')).stdout, /\n1 +done +5 /);
    const nowhere = await winnow(data, 'library', 'restore', join(data, 'no.db'));
    assert.deepEqual([nowhere.code, nowhere.stderr.split('\n').length], [2, 3]);
  });
});

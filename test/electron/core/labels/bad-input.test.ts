import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { ONLY_CHANGED } from '../../../../electron/shared/label-skips.ts';
import { AppError } from '../../../../electron/shared/errors.ts';
import { example, labelWorld, skipped, writeZip } from './support.ts';
import { sharedData } from '../../support/files.ts';

const cocoOf = (images: object[], annotations: object[], categories: object[] = [{ id: 1, name: 'cat' }]) =>
  JSON.stringify({ images, annotations, categories });

const image = (id: number, name: string) => ({ id, file_name: name, width: 100, height: 80 });

/** What a call is rejected with. */
async function refusal(work: Promise<unknown>): Promise<AppError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AppError, String(error));
  return error;
}

suite('labels that are not as they should be', () => {
  test('byte order marks, line ends of Windows, UTF-16 and Latin-1 are read', async (t) => {
    const { put, run } = await labelWorld(t, ['Bär.png']);
    const text = 'file,label\r\nBär.png,Bär\r\n';
    const wanted = { 'Bär.png': { label: 'Bär', boxes: [] } };
    const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');
    const files: Record<string, Uint8Array> = {
      'bom.csv': Buffer.from(`\ufeff${text}`),
      'utf16le.csv': utf16,
      'utf16be.csv': Buffer.from(utf16).swap16(),
      'bare16.csv': Buffer.from(text, 'utf16le'),
      'latin.csv': Buffer.from(text, 'latin1'),
    };
    for (const [name, bytes] of Object.entries(files)) {
      const { found, report } = await run(put(name, bytes));
      assert.deepEqual(found, wanted, name);
      assert.deepEqual(report.notices.length, name === 'latin.csv' ? 1 : 0, name);
    }
    const json = cocoOf([image(1, 'Bär.png')], [{ id: 1, image_id: 1, category_id: 1, bbox: [1, 2, 3, 4] }]);
    for (const [name, bytes] of Object.entries({
      'bom.json': Buffer.from(`\ufeff${json}\r\n`),
      'utf16.json': Buffer.from(`\ufeff${json}`, 'utf16le'),
      'latin.json': Buffer.from(json, 'latin1'),
    }))
      assert.deepEqual(
        (await run(put(name, bytes))).found,
        { 'Bär.png': { label: 'cat', boxes: ['cat 1 1 2 3 4'] } },
        name,
      );
  });

  test('paths of other computers are matched by their longest common tail, which is shown', async (t) => {
    const { put, inspect, run } = await labelWorld(t, [
      'site1/A/1.png',
      'site2/A/1.png',
      'site2/B/only.png',
      'x/2.png',
      'y/2.png',
    ]);
    const path = put(
      'coco.json',
      cocoOf(
        [
          image(1, 'D:\\Studies\\2024\\site1\\A\\1.png'),
          image(2, '/home/ada/2024/Site2/A/1.PNG'),
          image(3, 'C:/elsewhere/only.png'),
          image(4, 'C:/z/2.png'),
          image(7, 'other/only.png'),
          image(5, 'nowhere/9.png'),
          image(6, 'site2/A/1.png'),
        ],
        [],
      ),
    );
    const report = await inspect(path);
    assert.deepEqual(report.matches, [
      { way: 'path', entries: 1, example: { theirs: 'site2/A/1.png', ours: 'site2/A/1.png' } },
      {
        way: 'tail',
        entries: 1,
        example: { theirs: 'D:\\Studies\\2024\\site1\\A\\1.png', ours: 'site1/A/1.png' },
      },
      { way: 'name', entries: 1, example: { theirs: 'C:/elsewhere/only.png', ours: 'site2/B/only.png' } },
    ]);
    assert.deepEqual(report.unmatched, { count: 2, names: ['other/only.png', 'nowhere/9.png'] });
    assert.deepEqual(skipped(report), { sameImage: 1, severalImages: 1 });
    assert.equal(report.uncovered, 2);
    assert.deepEqual(Object.keys((await run(path)).found), [
      'site1/A/1.png',
      'site2/A/1.png',
      'site2/B/only.png',
    ]);
  });

  test('ids that are there twice, refer to nothing or are none, and boxes that are none, are counted with their place', async (t) => {
    const { put, run } = await labelWorld(t, ['a.png', 'b.png']);
    const box = (id: number, bbox: unknown, more: object = {}) => ({
      id,
      image_id: 1,
      category_id: 1,
      bbox,
      ...more,
    });
    const path = put(
      'coco.json',
      cocoOf(
        [image(1, 'a.png'), image(1, 'b.png'), { id: 3 }],
        [
          box(1, [10, 10, 20, 20]),
          box(2, [10, 10, 20, 20]),
          box(3, [-10, -10, 30, 30]),
          box(4, [90, 70, 50, 50]),
          box(5, [200, 200, 5, 5]),
          box(6, [1, 1, 0, 5]),
          box(7, [1, 1, 2, 2], { image_id: 99 }),
          box(8, [1, 1, 2, 2], { category_id: 5 }),
          box(9, [5, 5, 6, 6], { score: 87 }),
          { nothing: true },
        ],
      ),
    );
    const { report, found } = await run(path);
    assert.deepEqual(found, {
      'a.png': {
        label: 'cat',
        boxes: ['cat 1 10 10 20 20', 'cat 1 0 0 20 20', 'cat 1 90 70 10 10', 'cat 1 5 5 6 6'],
      },
    });
    assert.deepEqual(skipped(report), {
      noImage: 1,
      twice: 1,
      badEntry: 2,
      badClass: 1,
      badBox: 1,
      badScore: 1,
      outside: 1,
      clipped: 2,
      sameBox: 1,
    });
    assert.equal(example(report, 'twice'), 'image 2 (id 1)');
    assert.equal(example(report, 'noImage'), 'annotation 7 (id 7)');
    assert.equal(example(report, 'clipped'), 'annotation 3 (id 3)');
    assert.equal(report.uncovered, 1);
  });

  test('a box with scores out of range is counted once, also in a file that tells what found it', async (t) => {
    const { put, inspect } = await labelWorld(t, ['a.png', 'b.png']);
    const detections = [
      { category: '1', conf: 1.5, bbox: [0, 0, 0.5, 0.5] },
      { category: '1', conf: 3, bbox: [0.5, 0, 0.5, 0.5], classifications: [['0', 7]] },
    ];
    const path = put(
      'md.json',
      JSON.stringify({
        images: [{ file: 'a.png', detections }],
        detection_categories: { 1: 'animal' },
        classification_categories: { 0: 'fox' },
      }),
    );
    assert.deepEqual(skipped(await inspect(path)), { badScore: 2 });
  });

  test('an image that a table lists again adds its labels to the first, and is not told as left out', async (t) => {
    const { put, inspect } = await labelWorld(t, ['a.png', 'b.png']);
    const report = await inspect(put('again.csv', 'file,label\na.png,fox\na.png,hare\nb.png,fox\n'));
    assert.deepEqual([report.images, report.labels, skipped(report)], [2, 3, { again: 1 }]);
    assert.equal(example(report, 'again'), 'line 3');
    assert.ok(ONLY_CHANGED.has('again'));
  });

  test('pictures that were marked at another scale are brought to theirs; of another shape they are left out', async (t) => {
    const { put, run } = await labelWorld(t, ['a.png', 'b.png', 'c.png']);
    await run(put('sizes.json', cocoOf([image(1, 'a.png'), image(2, 'b.png')], []))); // the first file says how large they are
    const path = put(
      'coco.json',
      cocoOf(
        [
          { ...image(1, 'a.png'), width: 200, height: 160 },
          { ...image(2, 'b.png'), width: 80, height: 100 },
        ],
        [1, 2].map((id) => ({ id, image_id: id, category_id: 1, bbox: [20, 40, 60, 80] })),
      ),
    );
    const { report, found } = await run(path);
    assert.deepEqual(found['a.png'], { label: 'cat', boxes: ['cat 1 10 20 30 40'] });
    assert.deepEqual(skipped(report), { otherSize: 1, scaled: 1 });
  });

  test('a picture that cannot be read has no place for boxes; the others come in', async (t) => {
    const { put, run, folder } = await labelWorld(t, ['a.png', 'b.png']);
    writeFileSync(join(folder, 'b.png'), 'no picture');
    const path = put(
      'md.json',
      JSON.stringify({
        images: ['a.png', 'b.png'].map((file) => ({
          file,
          detections: [{ category: '1', conf: 1, bbox: [0, 0, 0.5, 0.5] }],
        })),
        detection_categories: { 1: 'animal' },
      }),
    );
    const { report, found } = await run(path);
    assert.deepEqual(found, { 'a.png': { label: 'animal', boxes: ['animal 1 0 0 50 40'] } });
    assert.deepEqual(skipped(report), { noSize: 1 });
  });

  test('XML with a document type or entities is refused before it is parsed, and nothing comes in', async (t) => {
    const { put, run, app, root } = await labelWorld(t, ['a.png']);
    const good = '<annotation><filename>a.png</filename></annotation>';
    put('voc/a.xml', good);
    put(
      'voc/b.xml',
      `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY x SYSTEM "file:///etc/passwd">]>${good}`,
    );
    const error = await refusal(run(join(root, 'voc')));
    assert.equal(error.code, 'BAD_ARGUMENT');
    assert.match(error.message, /b\.xml, but it has a document type/);
    assert.deepEqual(await app.listRuns({}), []);
    put('other/a.xml', '<html><body>');
    put('other/b.xml', good);
    assert.deepEqual(skipped((await run(join(root, 'other'))).report), { badEntry: 1 });
  });

  test('zips are read; one whose paths lead out of it is refused, and nothing is written outside', async (t) => {
    const { run, root } = await labelWorld(t, ['a.png']);
    const zip = (name: string, files: Record<string, string>) => writeZip(join(root, name), files);
    const good = await zip('good.zip', {
      'set/classes.txt': 'cat\n',
      'set/labels/a.txt': '0 0.5 0.5 1 1\n',
      'set/images/a.png': 'left out',
    });
    assert.deepEqual((await run(good)).found, { 'a.png': { label: 'cat', boxes: ['cat 1 0 0 100 80'] } });
    const one = await zip('one.zip', { 'coco.json': cocoOf([image(1, 'a.png')], []) });
    assert.equal((await run(one)).report.format, 'coco');
    // yazl writes no such name, so it is put into the bytes: of the entry, and of the directory.
    const bytes = readFileSync(await zip('slip.zip', { 'aa/labels/evil.txt': '0 0.5 0.5 1 1\n' }));
    const slipped = Buffer.from(
      bytes.toString('latin1').replaceAll('aa/labels/evil.txt', '../../../../evil.txt'.slice(0, 18)),
      'latin1',
    );
    writeFileSync(join(root, 'slip.zip'), slipped);
    const error = await refusal(run(join(root, 'slip.zip')));
    assert.equal(error.code, 'BAD_ARGUMENT');
    assert.match(error.message, /The archive .*slip\.zip cannot be unpacked/);
    assert.ok(!existsSync(join(root, '..', 'evil.txt')) && !existsSync(join(root, 'evil.txt')));
    assert.deepEqual(
      readdirSync(root).filter((name) => name.startsWith('.winnow')),
      [],
    );
  });

  test('what is no file of labels is refused with one sentence', async (t) => {
    const { put, run, root } = await labelWorld(t, ['a.png']);
    put('bad/data.yaml', 'names: [a, b\n');
    put('bad/labels/a.txt', '0 0 0 1 1');
    const cases: Record<string, RegExp> = {
      [put('cut.json', '{"images": [{"id": 1, "file_name": "a.png"}, {"id"')]:
        /Expected JSON in .*cut\.json, but it is none: it ends too early/,
      [put('nan.json', '{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [{"bbox": [NaN]}]}')]:
        /but it is none: "N" at byte 72 does not belong there(?!.* state)/,
      [put('mid.json', '{"images": [{"id": 1, "file_name": "a.p')]:
        /mid\.json, but it is none: it ends too early/,
      [put('deep.json', `{"images": ${'['.repeat(100)}`)]: /more than 64 lists and objects/,
      [put('list.json', '[{"image_id": 1}]')]:
        /Expected a file of labels in .*list\.json, but it begins with/,
      [put('results.json', '{"annotations": []}')]:
        /Expected COCO annotations in .*but it has no list "images"/,
      [put('words.docx', 'hello')]: /Expected a file of labels/,
      [put('empty.csv', '')]: /Expected a table in .*empty\.csv, but it is empty/,
      [put('columns.csv', 'one,two\n1,2\n')]: /Expected a column with the names of files/,
      [join(root, 'bad')]: /is no YAML/,
      [join(root, 'missing.json')]: /There is no file or folder/,
      [put('other.json', cocoOf([image(1, 'other.png')], []))]:
        /none of its 1 names, such as other\.png, is that of an image there/,
    };
    for (const [path, message] of Object.entries(cases)) {
      const error = await refusal(run(path));
      assert.match(error.message, message);
      assert.ok(!error.message.includes('\n'), error.message);
    }
    put('folder/readme.md', 'nothing');
    assert.match((await refusal(run(join(root, 'folder')))).message, /Expected a folder of labels/);
  });

  test('the files that people sent in: a byte order mark, polygons without an area, data.yaml without a root', async (t) => {
    const { path: reports, skip } = sharedData('reports');
    if (skip !== false) {
      t.skip(skip);
      return;
    }
    const { run, root } = await labelWorld(t, ['a.png', 'cap.png', 'ring.png']);
    copyFileSync(join(reports, 'coco-bom/bom.json'), join(root, 'bom.json'));
    assert.deepEqual((await run(join(root, 'bom.json'))).found, {
      'a.png': { label: 'Bär', boxes: ['Bär 1 10 10 40 30'] },
    });
    for (const name of ['seg-empty', 'seg-line', 'seg-obj', 'seg-part']) {
      copyFileSync(join(reports, `coco-degenerate-polygon/${name}.json`), join(root, `${name}.json`));
      assert.deepEqual(
        (await run(join(root, `${name}.json`))).found['a.png']?.boxes,
        ['Bär 1 10 10 40 30'],
        name,
      );
    }
  });
});

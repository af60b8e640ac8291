import assert from 'node:assert/strict';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import { draw } from '../../support/pictures.ts';
import { appError } from '../app-error.ts';
import { example, labelWorld, skipped } from './support.ts';

suite('tables that are not as they should be', () => {
  test('are refused by their line, with what was expected, what came and what to do', async (t) => {
    const { put, run, root } = await labelWorld(t, ['a.png']);
    const refused = async (name: string, content: string | Uint8Array, message: RegExp, hint: RegExp) => {
      const path = put(name, content);
      await assert.rejects(run(path), appError('BAD_ARGUMENT', message));
      await assert.rejects(run(path), ({ hint: told }: { hint: string }) => hint.test(told));
    };
    await refused(
      'quote.csv',
      'file,label\r\na.png,fox\r\na.png,"fox\r\na.png,hare\r\n',
      /^Expected a table in \S*quote\.csv, but a quote \("\) that is opened in the row of line 3 is closed nowhere$/,
      /^Close it, or leave it out/,
    );
    await refused(
      'long.csv',
      `file,label\na.png,"fox\n${'a.png,hare\n'.repeat(100_000)}`,
      /^Expected a table in \S*long\.csv, but its row of line 2 has more than 1048576 characters$/,
      /^Look whether a quote/,
    );
    await refused(
      'header.csv',
      '\ufefffile,label\r\n\r\n',
      /^Expected rows with labels in \S*header\.csv, but there is none below its header in line 1$/,
      /^Name the file that has the labels/,
    );
    const picture = await draw(8, 8, 1).png().toBuffer();
    await refused(
      'picture.csv',
      picture,
      /^Expected a text with labels in \S*picture\.csv, but it has bytes/,
      /^Save it as text/,
    );
    const old = Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(2000)]);
    await refused('old.csv', old, /^Expected a text with labels in/, /such as CSV or JSON, in the program/);
    const workbook = new ZipFile();
    for (const name of ['[Content_Types].xml', 'xl/workbook.xml', 'xl/worksheets/sheet1.xml'])
      workbook.addBuffer(Buffer.from('<xml/>'), name);
    workbook.end();
    const path = join(root, 'book.csv');
    await pipeline(workbook.outputStream, createWriteStream(path));
    await assert.rejects(
      run(path),
      appError('BAD_ARGUMENT', /^Expected labels in \S*book\.csv, but it is a workbook of Excel$/),
    );
  });

  test('lose no more than the rows that have other cells than the header, which are counted with their lines', async (t) => {
    const { put, run } = await labelWorld(t, ['a.png', 'b.png', 'c.png', 'd.png', 'e.png']);
    const rows = [
      'file,score,label',
      'a.png,0.5,fox',
      'b.png,0.5,fox, red',
      'c.png,0.5',
      'd.png,0.5,fox,,',
      'e.png,0.5,',
    ];
    const { report, found } = await run(put('cells.csv', rows.join('\n')));
    assert.deepEqual(
      Object.entries(found).map(([path, { label }]) => [path, label]),
      [
        ['a.png', 'fox'],
        ['d.png', 'fox'],
        ['e.png', ''],
      ],
    );
    assert.deepEqual([skipped(report), example(report, 'columns')], [{ columns: 2 }, 'line 3']);
  });

  test('with semicolons, tabs, what Excel writes above them, quoted cells and UTF-16 are read', async (t) => {
    const { put, run } = await labelWorld(t, ['a.png', 'b;c.png']);
    const wanted = { 'a.png': { label: 'fox, red', boxes: [] }, 'b;c.png': { label: 'a "hare"', boxes: [] } };
    const table = (by: string) =>
      [
        ['file', '"label, as it was given"'],
        ['a.png', '"fox, red"'],
        ['"b;c.png"', '"a ""hare"""'],
      ]
        .map((cells) => cells.join(by))
        .join('\r\n');
    const files: Record<string, string | Uint8Array> = {
      'semicolons.csv': table(';'),
      'commas.csv': table(','),
      'tabs.tsv': table('\t'),
      'tabs.txt': table('\t'),
      'excel.csv': `\ufeffsep=;\r\n${table(';')}`,
      'utf16.csv': Buffer.from(`\ufeff${table('\t')}`, 'utf16le'),
    };
    for (const [name, content] of Object.entries(files)) {
      const { found, report } = await run(put(name, content), {
        columns: { label: 'label, as it was given' },
      });
      assert.deepEqual(found, wanted, name);
      assert.deepEqual(report.skipped, [], name);
    }
  });

  test('of more than five labels of an image keep the best five, and say so', async (t) => {
    const { put, run, app } = await labelWorld(t, ['a.png', 'b.png']);
    const rows = [1, 7, 3, 4, 5, 6, 2].map((number) => `a.png,class ${number},0.${number}`);
    const { report, runId } = await run(
      put('many.csv', ['file,label,score', ...rows, 'a.png,class 1,0.9', 'b.png,class 1,1'].join('\n')),
    );
    const { imageIds } = await app.findImages({ runId, filter: {}, sort: 'path' });
    const { top } = await app.showImage({ runId, imageId: imageIds[0] ?? 0 });
    assert.deepEqual(
      top.map(({ label, confidence }) => [label, confidence]),
      [
        ['class 1', 0.9],
        ['class 7', 0.7],
        ['class 6', 0.6],
        ['class 5', 0.5],
        ['class 4', 0.4],
      ],
    );
    assert.deepEqual([report.labels, skipped(report).moreLabels], [6, 2]);
  });
});

import assert from 'node:assert/strict';
import { parse } from 'csv-parse/sync';
import { dirname, join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { suite, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import readXlsxFile from 'read-excel-file/node';
import yauzl from 'yauzl';
import { writeFileWhole } from '../../../../electron/core/files/write-file.ts';
import { xlsxFile } from '../../../../electron/core/export/xlsx.ts';
import { exportedCsv } from '../../support/exported-csv.ts';
import { writeFiles } from '../../support/files.ts';
import { testApp } from '../../support/test-app.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

suite('XLSX export', () => {
  test('holds the same table as the CSV, numbers as numbers', async (t) => {
    const { app, folder } = testApp(t);
    const names = ['1.jpg', 'a b.jpg', '=1+1.jpg', 'bad & <b>.jpg', '🌾 é.jpg', 'in/2.jpg', '_x0041_.jpg'];
    const odd = process.platform === 'win32' ? [] : ['a\nb.jpg', 'bell\u0007.jpg', 'tab\t.jpg'];
    writeFiles(folder, Object.fromEntries([...names, ...odd].map((name) => [name, 'x'])));
    await app.run({ folders: [folder] });
    const out = join(dirname(folder), 'out.xlsx');
    const { rows } = await app.exportRun({ runId: 1, format: 'xlsx', out });
    const [sheet, ...others] = await readSheets(out);
    assert.deepEqual([rows, sheet?.sheet, others], [names.length + odd.length, 'Run 1', []]);
    const { text } = await exportedCsv(app, folder);
    const table = (sheet?.data ?? []).map((row) => row.map((cell) => cell ?? ''));
    assert.deepEqual(
      table.map((row) => row.map(String)),
      parse(text),
    );
    const width = table[0]?.indexOf('width') ?? -1;
    assert.deepEqual([typeof table[1]?.[width], typeof table[1]?.[0]], ['number', 'string']);
  });

  test('of no rows is a sheet with a header', async (t) => {
    const { app, folder } = testApp(t);
    await app.run({ folders: [folder] });
    const out = join(dirname(folder), 'out.xlsx');
    assert.equal((await app.exportRun({ runId: 1, format: 'xlsx', out })).rows, 0);
    const [sheet] = await readSheets(out);
    assert.deepEqual([sheet?.data.length, sheet?.data[0]?.[0]], [1, 'relative_path']);
  });

  test('goes on to another sheet when one is full', async (t) => {
    const file = join(temporaryFolder(t), 'out.xlsx');
    const rows = Array.from({ length: 5 }, (_, index) => [index, `row ${index}`]);
    const table = xlsxFile(rows, { name: 'Files', columns: ['number', 'name'], rowsPerSheet: 3 });
    await writeFileWhole(file, table);
    const header = ['number', 'name'];
    assert.deepEqual(await readSheets(file), [
      { sheet: 'Files', data: [header, [0, 'row 0'], [1, 'row 1']] },
      { sheet: 'Files 2', data: [header, [2, 'row 2'], [3, 'row 3']] },
      { sheet: 'Files 3', data: [header, [4, 'row 4']] },
    ]);
  });

  test('has every part that its relations and its list of types name', async (t) => {
    const file = join(temporaryFolder(t), 'out.xlsx');
    const rows = Array.from({ length: 5 }, (_, index) => [index]);
    await writeFileWhole(file, xlsxFile(rows, { name: 'Files', columns: ['number'], rowsPerSheet: 4 }));
    const parts = await readParts(file);
    const named = (path: string, attribute: string) =>
      [...(parts.get(path) ?? '').matchAll(new RegExp(`${attribute}="([^"]+)"`, 'g'))].map(
        ([, name = '']) => name,
      );
    assert.deepEqual(named('_rels/.rels', 'Target'), ['xl/workbook.xml']);
    const sheets = ['worksheets/sheet1.xml', 'worksheets/sheet2.xml'];
    assert.deepEqual(named('xl/_rels/workbook.xml.rels', 'Target'), [...sheets, 'styles.xml']);
    const listed = named('[Content_Types].xml', 'PartName').map((name) => name.slice(1));
    assert.deepEqual(
      [...listed, '_rels/.rels', 'xl/_rels/workbook.xml.rels', '[Content_Types].xml'].sort(),
      [...parts.keys()].sort(),
    );
  });

  test('takes no more memory for more rows', async (t) => {
    const file = join(temporaryFolder(t), 'out.xlsx');
    let most = 0;
    function* rows() {
      for (let index = 0; index < 60_000; index++) {
        if (index % 5000 === 0) {
          globalThis.gc?.();
          most = Math.max(most, process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - start);
        }
        yield [index, 'some text that is not short '.repeat(20)];
      }
    }
    setFlagsFromString('--expose-gc');
    globalThis.gc = runInNewContext('gc') as typeof globalThis.gc;
    globalThis.gc?.();
    const start = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
    await writeFileWhole(file, xlsxFile(rows(), { name: 'Files', columns: ['number', 'text'] }));
    assert.ok(most < 16e6, `${most} bytes were held of 36 MB that passed through`);
  });
});

/** Sheets as a reader that is not ours has them. */
function readSheets(path: string) {
  return readXlsxFile(path, { trim: false });
}

/** The texts in a ZIP file by their names. */
async function readParts(path: string): Promise<Map<string, string>> {
  const parts = new Map<string, string>();
  const zip = await yauzl.openPromise(path);
  for await (const entry of zip.eachEntry()) {
    const stream = await zip.openReadStreamPromise(entry);
    parts.set(entry.fileName, await textOf(stream));
  }
  return parts;
}

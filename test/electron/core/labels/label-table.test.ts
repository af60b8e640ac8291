import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import type { LabelPurpose, LabelTable } from '../../../../electron/shared/api/labels.ts';
import type { AppService } from '../../../../electron/core/app-service.ts';
import { labelWorld, writeZip } from './support.ts';

/** What is found by name, without what is not. */
async function found(app: AppService, path: string, purpose: LabelPurpose['kind'] = 'run') {
  const table = await app.labelTable({ path, purpose });
  return table && Object.fromEntries(Object.entries(table.found).filter(([, name]) => name !== undefined));
}

suite('the columns of a table of labels', () => {
  test('are told by its header, with those that are found by their names', async (t) => {
    const { app, put } = await labelWorld(t, ['a.png']);
    const path = put(
      'boxes.csv',
      '\uFEFFFilename ;Species;xmin;ymin;xmax;ymax;"what\nelse";;Species\r\na.png;',
    );
    const table: LabelTable | undefined = await app.labelTable({ path, purpose: 'run' });
    assert.deepEqual(table?.columns, ['Filename', 'Species', 'xmin', 'ymin', 'xmax', 'ymax', 'what\nelse']);
    assert.deepEqual(await found(app, path), {
      file: 'Filename',
      label: 'Species',
      box: ['xmin', 'ymin', 'xmax', 'ymax'],
      corners: true,
    });
    assert.deepEqual(await found(app, put('none.csv', 'Bild,Art\n')), {});
    assert.deepEqual(await found(app, put('timelapse.csv', 'RelativePath,File,Species\n')), {
      file: 'File',
      label: 'Species',
    });
  });

  test("are of Winnow's own tables the model's for a run and a person's for reviews", async (t) => {
    const { app, put } = await labelWorld(t, ['a.png']);
    const path = put(
      'ours.csv',
      'relative_path,label,label_source,verified,predicted_label,confidence\na.png,fox,human,true,dog,0.9\n',
    );
    assert.deepEqual(await found(app, path), {
      file: 'relative_path',
      label: 'predicted_label',
      score: 'confidence',
    });
    assert.deepEqual(await found(app, path, 'reviews'), { file: 'relative_path', label: 'label' });
  });

  test('are none of what is no table, and an error of what is not there', async (t) => {
    const { app, put, root } = await labelWorld(t, ['a.png']);
    for (const path of [root, put('labels.json', '{"images":[]}'), put('zip.csv', 'PK\x03\x04')])
      assert.equal(await app.labelTable({ path, purpose: 'run' }), undefined);
    assert.deepEqual(await app.labelTable({ path: put('empty.csv', ''), purpose: 'run' }), {
      columns: [],
      found: { file: undefined, label: undefined, score: undefined, box: undefined, corners: undefined },
    });
    const path = join(root, 'gone.csv');
    await assert.rejects(app.labelTable({ path, purpose: 'run' }), { code: 'NOT_FOUND' });
  });

  test('are told of the one table in a folder or an archive, where there are no labels of another kind', async (t) => {
    const { app, put, root, run, libraryPath } = await labelWorld(t, ['a.png']);
    const table = 'Bild;Art;Species\r\na.png;Fuchs;fox\r\n';
    const zip = await writeZip(join(root, 'one.zip'), {
      'export/table.csv': table,
      'export/a.jpg': 'left out',
    });
    const found = { columns: ['Bild', 'Art', 'Species'], found: { label: 'Species' } };
    const columnsOf = async (path: string) => {
      const read = await app.labelTable({ path, purpose: 'run' });
      return read && { columns: read.columns, found: JSON.parse(JSON.stringify(read.found)) as unknown };
    };
    assert.deepEqual(await columnsOf(zip), found);
    put('sheets/table.csv', table);
    assert.deepEqual(await columnsOf(join(root, 'sheets')), found);
    const tabs = await writeZip(join(root, 'tabs.zip'), { 'table.tsv': 'file\tlabel\na.png\tfox\n' });
    assert.deepEqual(await columnsOf(tabs), {
      columns: ['file', 'label'],
      found: { file: 'file', label: 'label' },
    });
    assert.equal((await run(tabs)).found['a.png']?.label, 'fox');
    // The columns hold when it comes in.
    const columns = { file: 'Bild', label: 'Art' };
    assert.equal((await run(zip, { columns })).found['a.png']?.label, 'Fuchs');
    const others = { 'data.yaml': 'names: [cat]', 'a.txt': '0 0.5 0.5 1 1', 'notes.csv': table };
    assert.equal(await columnsOf(await writeZip(join(root, 'yolo.zip'), others)), undefined);
    const two = await writeZip(join(root, 'two.zip'), { 'a.csv': table, 'b.csv': table });
    assert.equal(await columnsOf(two), undefined);
    // Nothing of what was unpacked is left.
    assert.deepEqual(
      readdirSync(dirname(libraryPath)).filter((name) => name.startsWith('.')),
      [],
    );
  });

  test('that are chosen hold in place of those that are found, and none in place of scores and boxes', async (t) => {
    const { put, run } = await labelWorld(t, ['a.png']);
    const path = put(
      'boxes.csv',
      'file,label,other,score,points,x,y,w,h\na.png,fox,dog,0.5,0.25,10,20,30,40\n',
    );
    const boxes = async (columns: object) => (await run(path, { columns })).found['a.png'];
    assert.deepEqual(await boxes({}), { label: 'fox', boxes: ['fox 0.5 10 20 30 40'] });
    assert.deepEqual(await boxes({ label: 'other', score: 'points' }), {
      label: 'dog',
      boxes: ['dog 0.25 10 20 30 40'],
    });
    assert.deepEqual(await boxes({ score: null }), { label: 'fox', boxes: ['fox 1 10 20 30 40'] });
    assert.deepEqual(await boxes({ box: null }), { label: 'fox', boxes: [] });
  });

  test("that are chosen hold in Winnow's own tables too", async (t) => {
    const { put, run } = await labelWorld(t, ['a.png']);
    const path = put(
      'ours.csv',
      'relative_path,status,label,label_source,verified,predicted_label,confidence\na.png,ok,fox,human,true,dog,0.9\n',
    );
    assert.equal((await run(path)).found['a.png']?.label, 'dog');
    assert.equal((await run(path, { columns: { label: 'label' } })).found['a.png']?.label, 'fox');
  });
});

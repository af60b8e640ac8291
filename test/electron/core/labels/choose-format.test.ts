import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { formatOf } from '../../../../electron/core/labels/choose-format.ts';
import { openSource } from '../../../../electron/core/labels/open-source.ts';
import { draw } from '../../support/pictures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { writeFiles } from '../../support/files.ts';
import { appError } from '../app-error.ts';

const labelme = JSON.stringify({ version: '5.4.1', flags: {}, shapes: [], imagePath: 'a.png' });
const coco = JSON.stringify({ images: [{ id: 1, file_name: 'a.png' }], annotations: [], categories: [] });
const xml = '<?xml version="1.0"?>\n<annotation><filename>a.png</filename></annotation>';
const box = '0 0.5 0.5 0.25 0.25\n';

suite('the format of a folder is that of most of its files', () => {
  /** By name and what was said of it. */
  const chosen = async (root: string, name: string, files: Record<string, string | Uint8Array>) => {
    const folder = join(root, name);
    writeFiles(folder, files);
    const { format, source, notice } = await formatOf(
      await openSource(folder, join(root, 'unpacked')),
      undefined,
    );
    const path = source.path === folder ? '' : source.path.slice(folder.length + 1);
    return [format.name, path, notice?.replace(folder, '')];
  };
  const said = (format: string, own: number, all: number, other: string) =>
    ` was read as ${format}, which ${own} of ${all} files in it are that were looked at; others, such as ${other}, are not (--format names another).`;

  test('and empty texts are of YOLO only where something else tells of it', async (t) => {
    const root = temporaryFolder(t);
    const me = { 'a.json': labelme, 'b.json': labelme };
    assert.deepEqual(await chosen(root, 'stray', { ...me, 'stray.txt': '' }), [
      'labelme',
      '',
      said('labelme', 2, 3, 'stray.txt'),
    ]);
    const empties = { 'a.txt': '', 'b.txt': ' \n', 'c.txt': '' };
    assert.deepEqual(await chosen(root, 'more', { ...me, ...empties }), [
      'labelme',
      '',
      said('labelme', 2, 5, 'a.txt'),
    ]);
    assert.deepEqual(await chosen(root, 'blank', { ...empties, 'd.txt': box }), ['yolo', '', undefined]);
    assert.deepEqual(await chosen(root, 'named', { ...empties, 'classes.txt': 'cat' }), [
      'yolo',
      '',
      undefined,
    ]);
    assert.deepEqual(await chosen(root, 'alone', empties), ['yolo', '', undefined]);
    assert.deepEqual(await chosen(root, 'words', { ...me, 'notes.md': 'x', 'to do.txt': '1 2 3' }), [
      'labelme',
      '',
      said('labelme', 2, 3, 'to do.txt'),
    ]);
  });

  test('also where files of several formats lie together, and that is said', async (t) => {
    const root = temporaryFolder(t);
    const two = { 'a.xml': xml, 'b.xml': xml, 'a.txt': box };
    assert.deepEqual(await chosen(root, 'voc', two), ['voc', '', said('voc', 2, 3, 'a.txt')]);
    assert.deepEqual(await chosen(root, 'yolo', { 'a.xml': xml, 'a.txt': box, 'b.txt': box }), [
      'yolo',
      '',
      said('yolo', 2, 3, 'a.xml'),
    ]);
    assert.deepEqual(await chosen(root, 'me', { 'coco.json': coco, 'a.json': labelme, 'b.json': labelme }), [
      'labelme',
      '',
      said('labelme', 2, 3, 'coco.json'),
    ]);
    // As labelImg leaves them: of equally many, those whose classes are listed.
    const both = { 'a.xml': xml, 'a.txt': box };
    assert.deepEqual((await chosen(root, 'both', { ...both, 'classes.txt': 'cat' }))[0], 'yolo');
    // A development kit of VOC: lists of pictures, and maps beside the annotations.
    const map = await draw(8, 8, 1).toColourspace('b-w').png().toBuffer();
    const kit = {
      'Annotations/2007_1.xml': xml,
      'ImageSets/Main/train.txt': '2007_1\n',
      'ImageSets/Main/cat_train.txt': '2007_1 -1\n',
      'SegmentationClass/2007_1.png': map,
    };
    assert.deepEqual((await chosen(root, 'kit', kit))[0], 'voc');
  });

  test('and of one file with all of it, that file', async (t) => {
    const root = temporaryFolder(t);
    const picture = await draw(8, 8, 1).png().toBuffer();
    // As Roboflow and CVAT leave them.
    const roboflow = {
      'README.roboflow.txt': 'words',
      'train/_annotations.coco.json': coco,
      'train/a.png': picture,
    };
    assert.deepEqual(await chosen(root, 'one', roboflow), [
      'coco',
      'train/_annotations.coco.json',
      undefined,
    ]);
    assert.deepEqual(
      await chosen(root, 'csv', { 'export.csv': 'file,label\na.png,fox\n', 'a.png': picture }),
      ['csv', 'export.csv', undefined],
    );
    await assert.rejects(
      chosen(root, 'three', { ...roboflow, 'valid/_annotations.coco.json': coco }),
      appError(
        'BAD_ARGUMENT',
        /Expected one file of the format coco in .*three, but it holds 2: train\/_annotations\.coco\.json, valid\//,
      ),
    );
  });

  test('and class maps are looked for where there is nothing else, among pictures of one value a pixel', async (t) => {
    const root = temporaryFolder(t);
    const map = await draw(8, 8, 1).toColourspace('b-w').png().toBuffer();
    const colours = await draw(8, 8, 1).png().toBuffer();
    assert.deepEqual(
      await chosen(root, 'maps', {
        'a.png': map,
        'classes.csv': 'value,label\n1,cat\n',
        'stray.txt': '',
        'readme.txt': 'x',
      }),
      ['maps', '', said('maps', 1, 2, 'stray.txt')],
    );
    assert.deepEqual(await chosen(root, 'grey', { 'a.png': map, 'a.txt': box }), ['yolo', '', undefined]);
    await assert.rejects(
      chosen(root, 'pictures', { 'a.png': colours }),
      appError('BAD_ARGUMENT', /Expected a folder of labels in .*holds files such as "a\.png"/),
    );
  });
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { EXPORT_FORMATS, formatInfo, formatsOf } from '../../../electron/core/export/formats.ts';
import type { Task } from '../../../electron/shared/model-package.ts';
import type { ResultItem } from '../../../electron/shared/api/results.ts';
import { createFormats } from '../../../renderer/lib/text/format.ts';
import { createTranslate } from '../../../renderer/lib/text/messages.ts';
import { matchNames } from '../../../renderer/lib/match-names.ts';
import en from '../../../renderer/messages/en.json' with { type: 'json' };
import { arrangeConfusion } from '../../../renderer/views/evaluate/confusions.ts';
import {
  exportGroups,
  filterOf,
  isFound,
  joinPath,
  needsFolder,
  splitPath,
  suggestedName,
  withChoice,
} from '../../../renderer/views/export/export-plan.ts';
import type { Choice, NamedFormat } from '../../../renderer/views/export/export-plan.ts';
import { binRange, rangeOf, turnPage } from '../../../renderer/views/results/confidence.ts';
import {
  describeItem,
  isUncertain,
  shortCaption,
  shownBoxes,
} from '../../../renderer/views/results/item-text.ts';

const translate = createTranslate('en');
const format = createFormats('en', translate);
const item: ResultItem = {
  imageId: 1,
  folderId: 1,
  relativePath: 'a/b.jpg',
  status: 'ok',
  label: 'fox',
  modelLabel: 'fox',
  confidence: 0.93,
  verified: true,
  error: undefined,
  work: 0.5,
  width: 4,
  height: 3,
  boxes: [],
  warning: undefined,
  problem: undefined,
};

suite('what is said of an image', () => {
  test('label, confidence, state and place', () => {
    const text = describeItem(item, { index: 11, count: 3400 }, format, translate).replaceAll('\u00a0', ' ');
    assert.equal(text, 'fox, 93 %, verified, b.jpg, 12 of 3,400');
  });

  test("a person's label has no confidence", () => {
    assert.equal(shortCaption({ ...item, label: 'wolf' }, format, translate), 'wolf');
  });

  test('boxes are counted, those of the person and those of at least the score', () => {
    const place = { x: 0, y: 0, width: 1, height: 1 };
    const boxes = [0.9, 0.5, 0.4, undefined].map((score) => ({ ...place, label: 'fox', score }));
    const shown = shownBoxes({ boxes }, 0.5);
    assert.deepEqual(
      shown.map(({ score }) => score),
      [0.9, 0.5, undefined],
    );
    assert.deepEqual(shownBoxes(undefined, 0), []);
    const text = describeItem(item, { index: 0, count: 1, boxes: shown }, format, translate);
    assert.match(text, /^fox, 93.%, 3 boxes, verified/);
  });

  test('an image without anything found has words for it', () => {
    const empty = { ...item, label: '', modelLabel: '', confidence: undefined };
    assert.equal(shortCaption(empty, format, translate), 'nothing found');
  });

  test('a failure says why', () => {
    const failed: ResultItem = {
      ...item,
      status: 'failed',
      label: undefined,
      modelLabel: undefined,
      confidence: undefined,
      verified: false,
      error: 'the file ends before its picture does',
      problem: { code: 'cutShort' } as const,
    };
    const text = describeItem(failed, { index: 0, count: 1 }, format, translate);
    assert.equal(text, 'not readable, The file ends before its picture does, b.jpg, 1 of 1');
  });

  test('a verified image is not uncertain', () => {
    assert.equal(isUncertain({ ...item, confidence: 0.3, verified: false }), true);
    assert.equal(isUncertain({ ...item, confidence: 0.3 }), false);
  });
});

suite('confidence as a range', () => {
  test('bins lie side by side; the outer ones let through what has no confidence', () => {
    assert.deepEqual(binRange(0, 20), { min: undefined, max: 0.05 });
    assert.deepEqual(binRange(3, 20), { min: 0.15, max: 0.2 });
    assert.deepEqual(binRange(19, 20), { min: 0.95, max: undefined });
  });

  test('the ends of the slider leave nothing out', () => {
    assert.deepEqual(rangeOf(0, 100), { min: undefined, max: undefined });
    assert.deepEqual(rangeOf(30, 95), { min: 0.3, max: 0.95 });
  });

  test('pages move an end by ten points, as far as the other end or that of the scale', () => {
    assert.deepEqual(turnPage([30, 95], 0, 'PageUp'), [40, 95]);
    assert.deepEqual(turnPage([30, 95], 1, 'PageDown'), [30, 85]);
    assert.deepEqual(turnPage([90, 95], 0, 'PageUp'), [95, 95]);
    assert.deepEqual(turnPage([30, 35], 1, 'PageDown'), [30, 30]);
    assert.deepEqual(turnPage([5, 95], 0, 'PageDown'), [0, 95]);
    assert.deepEqual(turnPage([5, 95], 1, 'PageUp'), [5, 100]);
    assert.equal(turnPage([5, 95], 1, 'ArrowUp'), undefined);
  });
});

suite('searching class names', () => {
  const names = ['African elephant', 'Égyptian cat', 'cat bear', 'catamaran', 'tabby cat'];

  test('names that start with the text come first, then those with such a word', () => {
    assert.deepEqual(matchNames(names, 'cat', 9), ['cat bear', 'catamaran', 'Égyptian cat', 'tabby cat']);
  });

  test('words in any order, without case and accents', () => {
    assert.deepEqual(matchNames(names, 'CAT egy', 9), ['Égyptian cat']);
    assert.deepEqual(matchNames(names, 'dog', 9), []);
    assert.equal(matchNames(names, '', 2).length, 2);
  });
});

suite('the confusion matrix', () => {
  test('right labels lie on the diagonal, the others behind', () => {
    const map = arrangeConfusion({
      classes: [{ folder: 'n01' }, { folder: 'dog' }],
      confusion: [
        { folder: 'n01', label: 'fox', count: 2, right: true },
        { folder: 'n01', label: 'wolf', count: 1, right: false },
        { folder: 'dog', label: 'fox', count: 1, right: false },
      ],
    });
    assert.deepEqual(map, { folders: ['n01', 'dog'], labels: ['fox', 'dog', 'wolf'] });
  });
});

suite('where an export goes', () => {
  test('paths of both kinds of systems', () => {
    assert.deepEqual(splitPath('/home/a/run.csv'), { folder: '/home/a', name: 'run.csv' });
    assert.deepEqual(splitPath('C:\\Users\\a\\run.csv'), { folder: 'C:\\Users\\a', name: 'run.csv' });
    assert.deepEqual(splitPath('D:\\run.csv'), { folder: 'D:\\', name: 'run.csv' });
    assert.deepEqual(splitPath('\\\\server\\share\\run.csv'), {
      folder: '\\\\server\\share',
      name: 'run.csv',
    });
    assert.deepEqual(splitPath('/run.csv'), { folder: '/', name: 'run.csv' });
    assert.deepEqual(splitPath('run.csv'), { folder: '', name: 'run.csv' });
    for (const path of ['/run.csv', 'D:\\run.csv', 'D:\\a\\run.csv', '\\\\server\\share\\run.csv']) {
      const { folder, name } = splitPath(path);
      assert.equal(joinPath(folder, name), path);
    }
    assert.equal(joinPath('/home/a', 'run.csv'), '/home/a/run.csv');
    assert.equal(joinPath('/', 'run.csv'), '/run.csv');
    assert.equal(joinPath('C:\\Users', 'run.csv'), 'C:\\Users\\run.csv');
  });

  const allFormats = EXPORT_FORMATS.map(formatInfo) as NamedFormat[];
  const endings = allFormats.map(({ ending }) => ending);
  const choiceOf = (name: string): Choice => {
    const format = allFormats.find((one) => one.name === name);
    assert.ok(format);
    return format;
  };
  const withName = (path: string, runId: number, before: string, next: string) =>
    withChoice(path, runId, { before: choiceOf(before), next: choiceOf(next), endings });

  test("another kind changes the ending of a person's name alone", () => {
    assert.equal(withName('/a/b.csv', 1, 'csv', 'xlsx'), '/a/b.xlsx');
    assert.equal(withName('/a/b.csv', 1, 'csv', 'coco'), '/a/b.json');
    assert.equal(withName('/a/b.JSON', 1, 'csv', 'xlsx'), '/a/b.xlsx');
    assert.equal(withName('/a/b', 1, 'csv', 'json'), '/a/b');
    assert.equal(withName('/a/b.csv', 1, 'csv', 'yolo'), '/a/b.csv');
  });

  test('a suggested name becomes that of the other kind', () => {
    const csv = joinPath('/a', suggestedName(3, choiceOf('csv')));
    assert.equal(csv, '/a/winnow-run-3.csv');
    const coco = withName(csv, 3, 'csv', 'coco');
    assert.equal(coco, '/a/winnow-run-3-coco.json');
    assert.equal(withName(coco, 3, 'coco', 'csv'), csv);
    assert.equal(withName('/a/winnow-run-3-yolo', 3, 'yolo', 'voc'), '/a/winnow-run-3-voc');
  });

  test('a run has the kinds that its task has results for', () => {
    const choices = (task: Task) =>
      exportGroups(formatsOf(task).map(formatInfo) as NamedFormat[]).flatMap((group) => group.choices);
    const kinds = (task: Task) => choices(task).map(({ name }) => name);
    const among = (names: readonly string[], known: readonly string[]) =>
      names.filter((name) => known.includes(name));
    const tables = ['csv', 'json', 'xlsx', 'copy', 'move'];
    assert.deepEqual(among(kinds('classification'), tables), tables);
    assert.ok(kinds('detection').includes('yolo') && !kinds('detection').includes('maps'));
    assert.ok(kinds('segmentation').includes('maps') && !kinds('segmentation').includes('yolo'));
    for (const choice of choices('detection'))
      assert.equal(isFound(choice), !kinds('classification').includes(choice.name));
    const folders = ['yolo', 'voc', 'crops', 'overlays', 'copy', 'move'];
    const inFolders = choices('detection').filter(needsFolder);
    assert.deepEqual(
      among(
        inFolders.map(({ name }) => name),
        folders,
      ),
      folders,
    );
    assert.ok(!needsFolder(choiceOf('coco')) && !needsFolder(choiceOf('csv')));
  });

  test('every format has its words in the window, and no other has', () => {
    const named = (prefix: string) =>
      Object.keys(en)
        .filter((key) => key.startsWith(prefix))
        .map((key) => key.slice(prefix.length));
    const names = EXPORT_FORMATS.map(({ name }) => name);
    const found = EXPORT_FORMATS.filter((one) => one.of === 'found').map(({ name }) => name);
    assert.deepEqual(named('export.kind.'), [...names, 'copy', 'move'].sort());
    assert.deepEqual(named('export.action.'), [...names, 'copy', 'move'].sort());
    assert.deepEqual(named('export.about.'), found.sort());
  });

  test('the scope is a filter', () => {
    const seen = { labels: ['fox'] };
    assert.deepEqual(filterOf('seen', seen), seen);
    assert.deepEqual(filterOf('all', seen), {});
    assert.deepEqual(filterOf('verified', seen), { status: 'verified' });
  });
});

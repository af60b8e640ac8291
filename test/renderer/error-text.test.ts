import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { AppError, ERROR_CODES } from '../../electron/shared/errors.ts';
import { errorText, sentenceOfCode } from '../../renderer/lib/text/error-text.ts';
import { createTranslate } from '../../renderer/lib/text/messages.ts';

const [en, de] = [createTranslate('en'), createTranslate('de')];

suite('an error in the window', () => {
  test('has a sentence for every code, in both languages', () => {
    const keys = ERROR_CODES.map((code) => sentenceOfCode[code]);
    assert.equal(new Set(keys).size, ERROR_CODES.length);
    for (const key of keys) {
      assert.match(en(key), /^\p{Lu}.*\.$/u);
      assert.match(de(key), /^\p{Lu}.*\.$/u);
      assert.notEqual(de(key), en(key));
    }
  });

  test('is told in English by its own words', () => {
    const error = new AppError('DISK_FULL', 'The file a cannot be written: the disk is full', 'Make room.');
    const message = 'The file a cannot be written: the disk is full.';
    assert.deepEqual(errorText(error, 'en', en), { message, hint: 'Make room.' });
  });

  test('is told in German by its code where its sentence is not known, with its own words as details', () => {
    const error = new AppError('DISK_FULL', 'There are no blocks left on the disk', 'Make room.');
    assert.deepEqual(errorText(error, 'de', de), {
      message: 'Auf dem Datenträger ist kein Platz mehr.',
      details: 'There are no blocks left on the disk. Make room.',
    });
    assert.equal(errorText(new Error('no such thing'), 'de', de).details, 'no such thing.');
  });

  test('is told in German with what it is about where its sentence is known', () => {
    const error = new AppError('NOT_FOUND', 'There is no backup /a/b.db', 'Check its name.');
    assert.deepEqual(errorText(error, 'de', de), {
      message: 'Eine Sicherung /a/b.db gibt es nicht.',
      hint: 'Prüfen Sie den Namen.',
      details: 'There is no backup /a/b.db. Check its name.',
    });
  });
});

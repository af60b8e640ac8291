import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { IntlMessageFormat } from 'intl-messageformat';
import { root } from '../../build/setup.mjs';
import { chooseLanguage, createTranslate } from '../../renderer/lib/text/messages.ts';
import de from '../../renderer/messages/de.json' with { type: 'json' };
import en from '../../renderer/messages/en.json' with { type: 'json' };

const languages: Record<string, Record<string, string>> = { en, de };

/** Names of a message's arguments, from every branch of it. */
function argumentsOf(text: string, language: string): string[] {
  const names = new Set<string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (typeof node !== 'object' || node === null) return;
    if ('type' in node && 'value' in node && node.type !== 0 && typeof node.value === 'string')
      names.add(node.value);
    for (const part of Object.values(node)) visit(part);
  };
  visit(new IntlMessageFormat(text, language, undefined, { ignoreTag: true }).getAst());
  return [...names].sort();
}

/** Everything between quotes in the window's sources, as patterns: `a.${b}` stands for any text that starts so. */
function quotedTexts(): RegExp[] {
  const files = globSync('renderer/**/*.{ts,svelte}', { cwd: root });
  const texts = files.flatMap((file) => {
    const source = readFileSync(path.join(root, file), 'utf8');
    return [...source.matchAll(/'([\w.-]+)'|"([\w.-]+)"|`([\w.${}()[\]-]+)`/g)].map(
      ([, single, double, template]) => single ?? double ?? template ?? '',
    );
  });
  return [...new Set(texts)].map((text) => {
    const parts = text.split(/\$\{.*?\}/).map((part) => RegExp.escape(part));
    return new RegExp(`^${parts.join('[\\w-]+')}$`);
  });
}

suite('messages', () => {
  test('are the same ones in every language, in the order of their keys', () => {
    const keys = Object.keys(en);
    assert.deepEqual(keys, keys.toSorted());
    assert.deepEqual(Object.keys(de), keys);
  });

  test('take the same arguments in every language', () => {
    for (const key of Object.keys(en)) {
      const [first, ...others] = Object.entries(languages).map(([language, texts]) =>
        argumentsOf(texts[key] ?? '', language),
      );
      for (const other of others) assert.deepEqual(other, first, key);
    }
  });

  test('are all used', () => {
    const patterns = quotedTexts().filter(({ source }) => source.includes('\\.'));
    // Of sentences that come in English, said.test.ts asks whether they are still said.
    const own = Object.keys(en).filter((key) => !key.startsWith('said.'));
    const unused = own.filter((key) => !patterns.some((pattern) => pattern.test(key)));
    assert.deepEqual(unused, []);
  });

  test('have no exclamation marks and are not empty', () => {
    for (const [language, texts] of Object.entries(languages)) {
      for (const [key, text] of Object.entries(texts)) {
        assert.doesNotMatch(text, /!|^\s*$/, `${language} ${key}`);
      }
    }
  });

  test('follow the plural of their language', () => {
    const values = (images: number) => ({ run: 3, ok: images, failed: 0 });
    assert.equal(createTranslate('en')('run.ended', values(1)), 'Run 3 is done: 1 image labelled');
    assert.equal(createTranslate('de')('run.ended', values(2)), 'Lauf 3 ist fertig: 2 Bilder beschriftet');
  });
});

suite('the language of the window', () => {
  test('is the one that is set', () => assert.equal(chooseLanguage('de', ['en-GB']), 'de'));
  test('or the first that the system prefers and Winnow has', () => {
    assert.equal(chooseLanguage('system', ['fr-FR', 'de-AT', 'en']), 'de');
  });
  test('or English', () => assert.equal(chooseLanguage('system', ['fr']), 'en'));
});

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { root } from '../../build/setup.mjs';
import { modelCard } from '../../electron/core/registry/model-card.ts';
import { factName, parseCard, tableCells } from '../../renderer/lib/text/card.ts';
import { createTranslate } from '../../renderer/lib/text/messages.ts';
import { saidText } from '../../renderer/lib/text/said.ts';
import { readPackage } from '../../electron/core/packages/read-package.ts';
import { everyday10, parts } from '../electron/support/models.ts';

suite('a model card', () => {
  test('has facts, headings, text and tables', () => {
    const card = [
      'Model            everyday10 (came with Winnow)',
      'Size             width 96,  8 blocks',
      '',
      '# everyday10',
      '',
      'A small model.',
      'Two lines.',
      '',
      '| a | b |',
      '| - | -: |',
      '| c | 1 |',
    ].join('\n');
    assert.deepEqual(parseCard(card), {
      facts: [
        { name: 'Model', value: 'everyday10 (came with Winnow)' },
        { name: 'Size', value: 'width 96,  8 blocks' },
      ],
      notes: [
        { kind: 'heading', text: 'everyday10' },
        { kind: 'text', text: 'A small model.\nTwo lines.' },
        {
          kind: 'table',
          rows: [
            ['a', 'b'],
            ['c', '1'],
          ],
        },
      ],
    });
  });

  test('has tables in columns', () => {
    const { facts, notes } = parseCard('Seed  7\n\nClass     Learned  Right\nred fox   34       83.3 %\n');
    assert.deepEqual(facts, [{ name: 'Seed', value: '7' }]);
    const rows = [
      ['Class', 'Learned', 'Right'],
      ['red fox', '34', '83.3 %'],
    ];
    assert.deepEqual(notes, [{ kind: 'table', rows }]);
  });

  test('loses nothing that looks otherwise', () => {
    const { facts, notes } = parseCard('Model  x\nno fact');
    assert.deepEqual(facts, []);
    assert.deepEqual(notes, [{ kind: 'text', text: 'Model  x\nno fact' }]);
    assert.deepEqual(parseCard(''), { facts: [], notes: [] });
  });

  test('has its facts in German, of every bundled model', async () => {
    const t = createTranslate('de');
    for (const path of [everyday10, parts]) {
      const { manifest } = await readPackage(path);
      const text = modelCard({ name: 'mine', path, bytes: 1, bundled: true, manifest });
      const facts = new Map(
        parseCard(text).facts.map(({ name, value }) => [
          factName(name, t),
          saidText(value, 'de', t) ?? value,
        ]),
      );
      assert.equal(facts.get('Modell'), 'mine (liegt Winnow bei)');
      assert.match(facts.get('Architektur') ?? '', /^DyVM (Vim|VideoMamba) \(Klassentoken /);
      assert.match(facts.get('Größe') ?? '', /^Breite \d+, \d+ Blöcke, \d+ Klassen$/);
      assert.match(facts.get('Patches weglassen') ?? '', /^vor den Blöcken \d/);
      assert.match(facts.get('Scanrichtungen') ?? '', /^je Bild und Block gewählt/);
      assert.match(facts.get('Stufe Schnell') ?? '', /^0,\d+ GFLOPs \(0,\d+, wie der Artikel zählt\)$/);
      const english = /\b(width|blocks|classes|pixels|before|trained|chosen|paper|Preset|Licence)\b/;
      const own = ['Datei', 'Klassen', 'Lizenz'];
      for (const [name, value] of facts)
        if (!own.includes(name)) {
          assert.doesNotMatch(`${name} ${value}`, english);
          assert.doesNotMatch(value, /\d\.\d(?!\d\d(\D|$))/, 'decimal points');
        }
      assert.match(facts.get('Datei') ?? '', /\.safetensors, 0,0 MB$/);
    }
  });

  test('has its tables in German, of every bundled model', async () => {
    const t = createTranslate('de');
    for (const model of ['everyday10', 'parts']) {
      const path = join(root, `resources/models/${model}.safetensors`);
      const { manifest } = await readPackage(path);
      const { notes } = parseCard(modelCard({ name: 'mine', path, bytes: 1, bundled: true, manifest }));
      const tables = notes.flatMap((note) => (note.kind === 'table' ? [tableCells(note.rows, 'de', t)] : []));
      assert.deepEqual(
        tables.map(([head]) => head),
        [
          ['Patches', 'Top 1', 'Scans', 'Arbeit'],
          ['Epoche', 'Verlust', 'Genauigkeit', 'Zurückgehalten'],
          ['Klasse', 'Gelernt', 'Zurückgehalten', 'Richtig'],
          ['Wahre Klasse', 'Gehalten für', 'Bilder'],
        ],
      );
      for (const cell of tables.flat(2)) assert.doesNotMatch(cell, /\d\.\d(?!\d\d$)|^\./);
    }
  });

  test('has figures of its tables as a language writes them, and names of classes as they are', () => {
    const rows = [
      ['Class', 'Learned', 'Right'],
      ['1.50', '4850', '81.3 %'],
      ['b', '12,345', '.819'],
      ['and 5 more'],
    ];
    const cells = (language: 'en' | 'de') => tableCells(rows, language, createTranslate(language));
    assert.deepEqual(cells('de'), [
      ['Klasse', 'Gelernt', 'Richtig'],
      ['1.50', '4.850', '81,3\u00a0%'],
      ['b', '12.345', '0,819'],
      ['und 5 weitere'],
    ]);
    assert.deepEqual(cells('en'), [
      ['Class', 'Learned', 'Right'],
      ['1.50', '4,850', '81.3\u00a0%'],
      ['b', '12,345', '0.819'],
      ['and 5 more'],
    ]);
  });

  test('leaves names and values that it does not know as they are', () => {
    const t = createTranslate('de');
    assert.equal(factName('Preset mine', t), 'Preset mine');
    assert.equal(factName('Something', t), 'Something');
  });
});

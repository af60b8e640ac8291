import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { root } from '../../build/setup.mjs';
import { matchNotices } from '../../electron/core/evaluate/match-truth.ts';
import { titlesOf } from '../../electron/shared/architectures.ts';
import { AppError } from '../../electron/shared/errors.ts';
import { headText } from '../../electron/core/registry/training-card.ts';
import { HEAD_KINDS } from '../../electron/shared/training.ts';
import { createTranslate } from '../../renderer/lib/text/messages.ts';
import { saidText } from '../../renderer/lib/text/said.ts';
import en from '../../renderer/messages/en.json' with { type: 'json' };
import { detectionCheckpoint } from '../electron/core/checkpoint/tiny-model.ts';
import { saveZip } from '../electron/core/checkpoint/torch-save.ts';
import { testApp } from '../electron/support/test-app.ts';

const de = createTranslate('de');
const german = (text: string) => saidText(text, 'de', de);

/** The words of a message outside of its values and plurals. */
function wordsOf(message: string): string[] {
  const words: string[] = [];
  let [depth, word] = [0, ''];
  for (const character of `${message}{`) {
    if (character === '{' && depth++ === 0) {
      words.push(word);
      word = '';
    } else if (character === '}') depth--;
    else if (depth === 0) word += character;
  }
  return words
    .flatMap((text) => text.split(/[,;:.()]/))
    .map((text) => text.trim())
    .filter((text) => text.length > 3);
}

/** Put together from parts that no source has as a whole: the tests below have them said. */
const COMPOSED = [
  'said.coco.missing-image',
  'said.coco.missing-map',
  'said.import.either',
  'said.run.any-under-way',
  'said.run.pause-mend',
  'said.run.pause-restore',
  'said.transfer.done',
  'said.transfer.done-moved',
];

suite('what is said in English', () => {
  test('is still said somewhere, word by word', () => {
    const files = globSync(['electron/**/*.ts', 'native/**/*.{cc,h}'], { cwd: root });
    const sources = files.map((file) => readFileSync(join(root, file), 'utf8'));
    const all = sources.join('\n').replaceAll('\\`', '`');
    const messages = Object.entries(en).filter(([key]) => key.startsWith('said.') && !COMPOSED.includes(key));
    assert.ok(messages.length > 100);
    const gone = messages.flatMap(([key, text]) =>
      wordsOf(text)
        .filter((words) => !all.includes(words))
        .map((words) => `${key}: ${words}`),
    );
    assert.deepEqual(gone, []);
  });

  test('is translated with its values, sentence by sentence', () => {
    const cases: [string, string][] = [
      ['Take in 1,234 reviews of Ada', '1.234 Prüfungen von Ada übernehmen'],
      [
        'Expected labels of images in /a in /b.json, but none of its 7 names, such as x.png, is that of an image there.',
        'In /b.json wurden Labels zu Bildern in /a erwartet, aber keiner ihrer 7 Namen, etwa x.png, ist der eines Bilds dort.',
      ],
      ['Relabel 1 image as red fox', '1 Bild als red fox beschriften'],
      ['Relabel 1,200 images as a picture', '1.200 Bilder als a picture beschriften'],
      [
        'cuda:0 was lost (the driver is gone); the run goes on with cpu.',
        'cuda:0 ist verloren gegangen (the driver is gone); der Lauf geht mit cpu weiter.',
      ],
      [
        'The folder /a is not there now, so run 3 is paused. Connect its drive again, then go on with the run.',
        'Der Ordner /a ist gerade nicht da, deshalb ist Lauf 3 pausiert. Schließen Sie das Laufwerk wieder an und setzen Sie den Lauf fort.',
      ],
      [
        'The file /a.csv cannot be written: the disk is full',
        'Die Datei /a.csv lässt sich nicht schreiben: der Datenträger ist voll',
      ],
      [
        'The file a cannot be written: the disk is full, so the training is paused; nothing is lost, and it can go on when there is room',
        'Die Datei a lässt sich nicht schreiben: der Datenträger ist voll, deshalb pausiert das Training; nichts ist verloren, und es kann weitergehen, wenn Platz ist',
      ],
      ['A run is under way', 'Ein Lauf ist im Gange'],
      [
        'Pause it or wait for its end, then mend the library.',
        'Pausieren Sie ihn oder warten Sie auf sein Ende, dann reparieren Sie die Bibliothek.',
      ],
      [
        'Training for segmentation needs a Vim classifier, or a segmentation or detection model that was trained so, but the model trees segments pictures with a head that cannot be trained',
        'Das Training für Segmentierung braucht einen Vim-Klassifikator oder ein Modell für Segmentierung oder Detektion, das so trainiert wurde, aber das Modell trees segmentiert Bilder mit einem Kopf, der sich nicht trainieren lässt',
      ],
      [
        'Training for segmentation needs masks, but run 3 has boxes without masks',
        'Das Training für Segmentierung braucht Masken, aber Lauf 3 hat Kästen ohne Masken',
      ],
      ['AMD EPYC, 2 cores, avx2', 'AMD EPYC, 2 Kerne, avx2'],
      [
        'It did not pass its trial: it keeps another number of patches than the processor.',
        'Die Probe ist nicht bestanden: es bleiben andere Anzahlen von Patches als auf dem Prozessor.',
      ],
      [
        headText({
          kind: 'cosine',
          folds: 5,
          trials: HEAD_KINDS.map((kind) => ({ kind, accuracy: 0.875, loss: 1 })),
        }),
        'kleinster Winkel; richtig an ausgelassenen Bildern, in 5 Teilen: logistische Regression 87,5 %, nächster Klassenmittelwert 87,5 %, kleinster Winkel 87,5 %',
      ],
    ];
    for (const [text, expected] of cases) assert.equal(german(text), expected);
    assert.equal(german('Nobody has ever said that.'), undefined);
    assert.equal(saidText('Nobody has ever said that.', 'en', de), 'Nobody has ever said that.');
  });

  test('by a review, as its step back is named, is known', async (t) => {
    const { app, folder } = testApp(t, 3);
    await app.run({ folders: [folder] });
    const { imageIds } = await app.findImages({ runId: 1, filter: {}, sort: 'path' });
    const [first = 0, second = 0] = imageIds;
    const said = [
      await app.review({ runId: 1, imageIds: [first], verdict: { kind: 'accept' } }),
      await app.review({ runId: 1, imageIds: [first, second], verdict: { kind: 'label', label: 'owl' } }),
      await app.review({ runId: 1, imageIds: [first, second], verdict: { kind: 'clear' } }),
    ].map(({ description }) => german(description));
    assert.deepEqual(said, [
      '1 Bild bestätigen',
      '2 Bilder als owl beschriften',
      'Prüfung von 2 Bildern aufheben',
    ]);
  });

  test('by what is refused while a run is under way is known', async (t) => {
    const { app, folder, engine } = testApp(t, 1);
    const refusals: (string | undefined)[] = [];
    engine.beforeAnswer = async () => {
      for (const call of [
        () => app.checkLibrary({ mend: true }),
        () => app.restoreLibrary({ file: join(folder, 'none.db') }),
      ])
        await call().catch((error: unknown) => {
          if (error instanceof AppError) refusals.push(german(error.message), german(error.hint ?? ''));
        });
    };
    await app.run({ folders: [folder] });
    assert.deepEqual(refusals.slice(0, 4), [
      'Ein Lauf ist im Gange',
      'Pausieren Sie ihn oder warten Sie auf sein Ende, dann reparieren Sie die Bibliothek.',
      'Ein Lauf ist im Gange',
      'Pausieren Sie ihn oder warten Sie auf sein Ende, dann stellen Sie die Bibliothek wieder her.',
    ]);
  });

  test('by a transfer that was stopped is known', async (t) => {
    const { app, folder } = testApp(t, 100);
    await app.run({ folders: [folder] });
    const end = app.subscribe(({ type }) => {
      if (type === 'exporting') void app.cancelExport({}).catch(() => undefined);
    });
    for (const [mode, verb] of [
      ['copy', 'kopiert'],
      ['move', 'verschoben'],
    ] as const) {
      const to = join(folder, '..', mode);
      const stopped = await app.transferFiles({ runId: 1, to, mode }).catch((error: unknown) => error);
      assert.ok(stopped instanceof AppError);
      const expected = new RegExp(`^Die Übertragung wurde abgebrochen; vorher wurden \\d+ Dateien ${verb}$`);
      assert.match(german(stopped.message) ?? stopped.message, expected);
      assert.match(german(stopped.hint ?? '') ?? '', /nimmt es zurück\.$/);
    }
    end();
  });

  test('of a checkpoint before its import is known', async (t) => {
    const { app, folder } = testApp(t);
    const file = join(folder, 'model.pth');
    writeFileSync(file, saveZip(detectionCheckpoint()));
    const { summary, questions } = await app.inspectCheckpoint({ file });
    assert.match(
      german(summary) ?? summary,
      /^Detektion, Cascade Mask R-CNN auf Vim: Breite \d+, \d+ Blöcke, 32 × 32 Pixel/,
    );
    for (const { question } of questions) assert.ok(german(question), question);
    const unsaid = titlesOf(({ hasRegisters }) => !hasRegisters); // stands in the place of Vim where it is not known
    assert.equal(german(summary.replace('Vim', unsaid))?.includes('Vim oder VideoMamba'), true);
  });

  test('of annotations that do not match is known', () => {
    for (const noun of ['image', 'map'] as const)
      for (const count of [1, 2]) {
        const names = Array.from({ length: count }, (_, index) => `${index}.jpg`);
        const notices = matchNotices(
          { pairs: [], missing: names, unpredicted: names, beyond: count },
          (name) => name,
          noun,
        );
        assert.equal(notices.length, 3);
        for (const notice of notices) assert.ok(german(notice), notice);
      }
  });
});

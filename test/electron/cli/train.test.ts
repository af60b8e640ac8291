import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { start, winnow } from '../support/command-line.ts';
import { session } from '../support/test-app.ts';
import { drawShapes } from '../support/shapes.ts';
import type { ShapeName } from '../support/shapes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SHAPES: readonly ShapeName[] = ['cross', 'disc', 'ring'];
const segmentation = fileURLToPath(
  new URL('../../golden/dyvm-seg-upernet-random/checkpoint.pth', import.meta.url),
);

/** A model that learns the shapes in a second. */
const small = [
  '--from',
  'scratch',
  '--size',
  'micro',
  '--width',
  '32',
  '--depth',
  '4',
  '--states',
  '4',
  '--image-size',
  '16',
  '--patch-size',
  '4',
  '--lr',
  '0.003',
  '--threads',
  '2',
];

const atEnd = { after: (cleanup: () => void) => after(cleanup) };

/** A folder of 3 class folders with 40 pictures each. */
const shapes = temporaryFolder(atEnd);

before(async () => {
  for (const name of SHAPES) await drawShapes(shapes, name, 40);
});

/** Bytes of a model that was trained. */
const packageOf = (data: string, name: string) => readFileSync(join(data, 'models', `${name}.safetensors`));

/** Loss and hold-out accuracy, in percent, of every epoch that was told. */
function epochsOf(stderr: string): { loss: number; top1: number }[] {
  return [...stderr.matchAll(/^epoch \d+ {2}loss ([\d.]+) .* hold-out ([\d.]+) %/gm)].map(
    ([, loss, top1]) => ({
      loss: Number(loss),
      top1: Number(top1),
    }),
  );
}

/** Does `work` when the training in `child` has told of the end of an epoch. */
function atEpoch(child: ChildProcess, epoch: number, work: () => void): void {
  let heard = '';
  let done = false;
  child.stderr?.on('data', (text: string) => {
    heard += text;
    if (done || !heard.includes(`\nepoch ${epoch} `)) return;
    done = true;
    work();
  });
}

suite('winnow train', () => {
  test('teaches a model from scratch, distils it, and what comes out is used like any model', async (t) => {
    const data = temporaryFolder(t);
    const plain = await winnow(data, 'train', shapes, ...small, '--epochs', '8', '--out', 'plain');
    assert.equal(plain.code, 0, plain.stderr);
    assert.match(plain.stderr, /\nring +34 +6\n/);
    assert.match(plain.stderr, /\nmethod +scratch\npictures +102 pictures to learn from, 18 held out\n/);
    assert.match(plain.stderr, /\ntime +about \d+:\d\d\n/);
    const epochs = epochsOf(plain.stderr);
    const [first, last] = [epochs[0], epochs.at(-1)];
    assert.ok(first !== undefined && last !== undefined && epochs.length === 8);
    assert.ok(last.loss < first.loss / 2, `${first.loss} to ${last.loss}`);
    assert.ok(last.top1 >= 90, `${last.top1} % of the hold-out`);
    assert.match(plain.stdout, /\nmodel +plain\n/);
    assert.match(plain.stdout, /\nKEEP +TOP-1 +BLOCKS +WORK\n1 +[\d.]+ % +1\.000 +100\.0 %\n/);
    assert.ok(plain.stdout.includes(`\nWrote ${join(data, 'models', 'plain.safetensors')}.\n`));

    const distil = ['--from', 'plain', '--method', 'distill', '--token-keep', '0.7', '--block-keep', '0.8'];
    const budget = ['--epochs', '2', '--threads', '2'];
    const dynamic = await winnow(data, 'train', shapes, ...distil, ...budget, '--out', 'dynamic');
    assert.equal(dynamic.code, 0, dynamic.stderr);
    assert.match(dynamic.stderr, /\npatches +to keep 0\.7, 0\.49, 0\.343\nscans +to run 80\.0 %\n/);
    assert.match(dynamic.stdout, /\n0\.5 +[\d.]+ % +[\d.]+ +[\d.]+ %\n/); // the dial
    // The same pictures are held out, so the parent's line is what it said itself.
    const [, own] = /\n([\d.]+ %) of 18 pictures of the hold-out right; /.exec(plain.stdout) ?? [];
    const [, parents] = /right, of its parent plain ([\d.]+ %); /.exec(dynamic.stdout) ?? [];
    assert.ok(own !== undefined && own === parents, `${own} and ${parents}`);

    const evaluated = await winnow(data, 'evaluate', shapes, '--model', 'dynamic');
    assert.equal(evaluated.code, 0, evaluated.stderr);
    const [, accuracy] = /\ntop-1 +([\d.]+) %/.exec(evaluated.stdout) ?? [];
    assert.ok(Number(accuracy) >= 90, evaluated.stdout);
    const list = (await winnow(data, 'trainings')).stdout;
    assert.match(list, /\n2 +dynamic +distill +plain +done +[\d.]+ % .*\n1 +plain +scratch +- +done /);
    assert.match((await winnow(data, 'trainings', 'show', '1')).stdout, /\nEPOCH +LOSS .*\n1 +[\d.]+ /);
    assert.match((await winnow(data, 'trainings', 'remove', '1')).stdout, /^Training 1 is forgotten\.\n$/);
    assert.equal((await winnow(data, 'models', 'verify', 'plain')).code, 0);
  });

  test('gives a model of its own a new head, and fine-tunes it', async (t) => {
    const data = temporaryFolder(t);
    const options = ['--from', 'everyday10', '--threads', '2'];
    const head = await winnow(data, 'train', shapes, ...options, '--method', 'head');
    assert.equal(head.code, 0, head.stderr);
    const [, accuracy] = /\n([\d.]+) % of 18 pictures of the hold-out right/.exec(head.stdout) ?? [];
    assert.ok(Number(accuracy) >= 80, head.stdout);
    const tuned = await winnow(data, 'train', shapes, ...options, '--epochs', '1', '--without', 'flip,crop');
    assert.equal(tuned.code, 0, tuned.stderr);
    assert.match(tuned.stdout, /\nmethod +fine-tune from everyday10\n/);
    assert.equal(epochsOf(tuned.stderr).length, 1);
  });

  test('learns from the reviewed images of a run', async (t) => {
    const data = temporaryFolder(t);
    assert.equal((await winnow(data, 'run', shapes)).code, 0);
    const none = await winnow(data, 'train', '--run', '1', '--method', 'head');
    assert.equal(none.code, 2);
    assert.match(none.stderr, /^winnow: Training needs reviewed images, but run 1 has none\.\n/);
    const { app } = session(t, join(data, 'library.db'));
    const { imageIds } = await app.findImages({ runId: 1, filter: {}, sort: 'path' });
    for (const [index, name] of SHAPES.entries()) {
      const own = imageIds.slice(40 * index, 40 * index + 30);
      await app.review({ runId: 1, imageIds: [...own], verdict: { kind: 'label', label: name } });
    }
    await app.close();
    const head = await winnow(data, 'train', '--run', '1', '--method', 'head', '--out', 'reviewed');
    assert.equal(head.code, 0, head.stderr);
    assert.match(head.stdout, /\npictures +\d+ pictures to learn from, 1\d held out, of run 1\n/);
  });

  test('only says what would be trained with --dry-run', async (t) => {
    const data = temporaryFolder(t);
    const { code, stdout } = await winnow(data, 'train', shapes, ...small, '--dry-run', '--batch', '34');
    assert.equal(code, 0);
    assert.match(stdout, /\nrecipe +winnow: 60 epochs of 3 steps, 34 pictures each\n/);
    assert.match((await winnow(data, 'trainings')).stdout, /^There are no trainings yet\.\n$/);
    assert.ok(!readdirSync(data).includes('models'));
  });
});

suite(
  'a training of one seed and thread count',
  { skip: process.platform === 'win32' && 'needs signals' },
  () => {
    const training = [
      ...small,
      '--token-keep',
      '0.7',
      '--with',
      'mixup,erasing',
      '--epochs',
      '12',
      '--seed',
      '5',
    ];
    const place = temporaryFolder(atEnd);
    let expected = Buffer.alloc(0);

    before(async () => {
      const { code, stderr } = await winnow(place, 'train', shapes, ...training, '--out', 'shapes');
      assert.equal(code, 0, stderr);
      expected = packageOf(place, 'shapes');
    });

    /** Starts it on a data folder of its own, and does something after an epoch. */
    async function interrupted(t: TestContext, work: (child: ChildProcess) => void) {
      const data = temporaryFolder(t);
      const { child, ended } = start(data, 'train', shapes, ...training, '--out', 'shapes');
      atEpoch(child, 3, () => work(child));
      return { data, ended: await ended };
    }

    test('gives the same package every time', async (t) => {
      const { data, ended } = await interrupted(t, () => undefined);
      assert.equal(ended.code, 0, ended.stderr);
      assert.ok(packageOf(data, 'shapes').equals(expected));
      const other = await winnow(
        data,
        'train',
        shapes,
        ...small,
        '--epochs',
        '1',
        '--seed',
        '6',
        '--out',
        'other',
      );
      assert.equal(other.code, 0, other.stderr);
      assert.ok(!packageOf(data, 'other').equals(expected));
    });

    test('gives it after SIGKILL in the middle, too', async (t) => {
      const { data, ended } = await interrupted(t, (child) => child.kill('SIGKILL'));
      assert.equal(ended.signal, 'SIGKILL');
      assert.match((await winnow(data, 'trainings')).stdout, /\n1 +shapes +scratch +- +paused /);
      const resumed = await winnow(data, 'train', '--resume', '1');
      assert.equal(resumed.code, 0, resumed.stderr);
      assert.ok(epochsOf(resumed.stderr).length < 12, 'it went on and did not begin again');
      assert.ok(packageOf(data, 'shapes').equals(expected));
    });

    test('gives it after SIGINT, which saves the state and says how to go on', async (t) => {
      const { data, ended } = await interrupted(t, (child) => child.kill('SIGINT'));
      assert.equal(ended.code, 1);
      assert.match(
        ended.stderr,
        /\nSaving the state of the training; press Ctrl-C again to quit at once\.\n/,
      );
      assert.match(
        ended.stdout,
        /^Training 1 is paused: \d+ of 12 epochs done and saved, the best .*\nGo on with `winnow train --resume 1`\.\n$/,
      );
      const resumed = await winnow(data, 'train', '--resume', '1');
      assert.equal(resumed.code, 0, resumed.stderr);
      assert.ok(packageOf(data, 'shapes').equals(expected));
    });

    test('gives it when the training host dies on the way', async (t) => {
      const { data, ended } = await interrupted(t, ({ pid }) => {
        const hosts = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
        const [host] = hosts.trim().split(/\s+/);
        process.kill(Number(host), 'SIGKILL');
      });
      assert.equal(ended.code, 0, ended.stderr);
      assert.match(
        ended.stderr,
        /\nThe training is started again from its last state: Training stopped: the training host was ended/,
      );
      assert.ok(packageOf(data, 'shapes').equals(expected));
    });
  },
);

suite('winnow train refuses in one sentence', () => {
  /** What is said of a folder with some of the shapes' pictures: class folder -> names of files of a shape. */
  async function refusal(
    t: TestContext,
    classes: Record<string, { of: ShapeName; count: number }>,
    options: readonly string[] = [],
  ): Promise<string> {
    const data = temporaryFolder(t);
    const folder = join(data, 'pictures');
    for (const [name, { of, count }] of Object.entries(classes)) {
      mkdirSync(join(folder, name), { recursive: true });
      for (const file of readdirSync(join(shapes, of)).slice(0, count))
        cpSync(join(shapes, of, file), join(folder, name, file));
    }
    const { code, stdout, stderr } = await winnow(data, 'train', folder, ...options);
    assert.deepEqual([code, stdout], [2, '']);
    return stderr;
  }

  const two = { disc: { of: 'disc', count: 10 }, ring: { of: 'ring', count: 10 } } as const;

  test('one class, none, and one without pictures', async (t) => {
    const one = await refusal(t, { disc: { of: 'disc', count: 3 } });
    assert.match(one, /^winnow: Training needs at least two classes, but .* has one: disc\.\n/);
    const none = await refusal(t, { '.': { of: 'disc', count: 3 } });
    assert.match(none, /^winnow: Training needs a sub-folder with pictures for every class, but .* none\.\n/);
    const empty = await refusal(t, { ...two, spare: { of: 'disc', count: 0 } });
    assert.match(
      empty,
      /^winnow: Every sub-folder must hold pictures of its class, but .*spare holds none\.\n/,
    );
  });

  test(
    'classes that differ in case alone',
    { skip: process.platform !== 'linux' && 'the file system ignores case' },
    async (t) => {
      const said = await refusal(t, { ...two, Disc: { of: 'ring', count: 4 } });
      assert.match(
        said,
        /^winnow: Names of classes must differ in more than case, but there are Disc and disc\.\n/,
      );
    },
  );

  test('a hold-out that is too small', async (t) => {
    const said = await refusal(t, { a: { of: 'disc', count: 2 }, b: { of: 'ring', count: 2 } });
    assert.match(said, /^winnow: The hold-out needs a picture of each of the 2 classes, but 15 % of 4 /);
  });

  test('a class of which no picture can be read', async (t) => {
    const data = temporaryFolder(t);
    const folder = join(data, 'pictures');
    cpSync(join(shapes, 'disc'), join(folder, 'disc'), { recursive: true });
    mkdirSync(join(folder, 'ring'));
    for (const name of ['a.png', 'b.png']) writeFileSync(join(folder, 'ring', name), `no picture ${name}`);
    const { code, stderr } = await winnow(data, 'train', folder, ...small);
    assert.equal(code, 2);
    assert.match(stderr, /\nwinnow: Every class needs pictures that can be read, but none of ring can\.\n/);
  });

  test('a model that is not there, and one of another kind', async (t) => {
    const unknown = await refusal(t, two, ['--from', 'nothing']);
    assert.match(
      unknown,
      /^winnow: There is no model named nothing\.\nAvailable: everyday10, parts, parts-boxes\.\n$/,
    );
    const data = temporaryFolder(t);
    const options = ['--name', 'areas', '--token-keep', '0.7'];
    const imported = await winnow(data, 'models', 'import', segmentation, ...options);
    assert.equal(imported.code, 0, imported.stderr);
    const { code, stderr } = await winnow(data, 'train', shapes, '--from', 'areas');
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^winnow: Training needs a classifier, but the model areas segments pictures\.\nChoose a Vim or VideoMamba classifier, or start from scratch\.\n$/,
    );
  });

  test('options that do not go together', async (t) => {
    const cases: [options: string[], said: RegExp][] = [
      [
        ['--from', 'scratch', '--method', 'head'],
        /method head needs a model to start from, but --from is scratch/,
      ],
      [
        ['--method', 'distill'],
        /A distilled model learns the classes of its teacher, but everyday10 knows no class/,
      ],
      [
        ['--time', 'soon'],
        /'--time <duration>' argument 'soon' is invalid\. Expected a time such as 30m or 2h/,
      ],
      [['--with', 'fog'], /argument 'fog' is invalid\. Expected names among crop, flip, /],
      [['--run', '1'], /Training needs a folder or a run to learn from, but both came/],
      [['--resume', '1'], /--resume takes no other options than --threads and --library/],
    ];
    for (const [options, said] of cases) assert.match(await refusal(t, two, options), said);
    const gone = await winnow(temporaryFolder(t), 'train', '--resume', '7');
    assert.equal(gone.code, 2);
    assert.match(gone.stderr, /^winnow: There is no training 7/);
  });
});

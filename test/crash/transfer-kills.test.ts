/** Sorting images into folders and taking that back, killed at every call by which it changes files. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { Library } from '../../electron/core/store/library.ts';
import { listTransfers } from '../../electron/core/transfer/describe-transfer.ts';
import { transferFiles } from '../../electron/core/transfer/transfer-files.ts';
import { undoTransfer } from '../../electron/core/transfer/undo-transfer.ts';
import { writeFiles } from '../electron/support/files.ts';
import { testApp } from '../electron/support/test-app.ts';
import { temporaryFolder } from '../electron/support/temporary-folder.ts';
import { bundle } from './bundle.ts';
import { otherDrive } from './drives.ts';
import { Killer } from './killer.ts';
import type { Ended } from './killer.ts';

const PICTURES = { '1.jpg': 'one picture', 'a/1.jpg': 'another picture' };

const UNHEARD = { signal: new AbortController().signal, onProgress: () => undefined };

/** Relative paths of all files and folders below a folder, with the files' content. */
function tree(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    names.map((name) => {
      const path = join(folder, name);
      return [name, statSync(path).isFile() ? readFileSync(path, 'utf8') : 'a folder'];
    }),
  );
}

/** A place whose files can be saved and put back, with their times and links. */
class Scene {
  readonly root: string; // holds pictures/ and library.db
  readonly other: string; // holds sorted/
  readonly #saved: string;

  constructor(t: TestContext, root: string, other: string) {
    this.root = root;
    this.other = other;
    this.#saved = temporaryFolder(t);
  }

  get library(): string {
    return join(this.root, 'library.db');
  }

  get target(): string {
    return join(this.other, 'sorted');
  }

  save(name: string): void {
    const place = join(this.#saved, name);
    rmSync(place, { recursive: true, force: true });
    for (const folder of this.#folders()) {
      mkdirSync(join(place, folder), { recursive: true });
      execFileSync('cp', ['-a', '--', `${folder}/.`, join(place, folder)]);
    }
  }

  restore(name: string): void {
    for (const folder of this.#folders()) {
      for (const entry of readdirSync(folder)) rmSync(join(folder, entry), { recursive: true });
      execFileSync('cp', ['-a', '--', `${join(this.#saved, name, folder)}/.`, folder]);
    }
  }

  files(): { pictures: Record<string, string>; sorted: Record<string, string> } {
    return { pictures: tree(join(this.root, 'pictures')), sorted: tree(this.target) };
  }

  /** What lies beside pictures and sorted images. */
  rest(): string[] {
    return this.#folders().flatMap((folder) => readdirSync(folder));
  }

  transferRows(): number {
    const database = new Database(this.library);
    const count = database
      .prepare<[], number>('SELECT (SELECT count(*) FROM transfers) + (SELECT count(*) FROM transfer_files)')
      .pluck()
      .get();
    database.close();
    return count ?? 0;
  }

  async sort(mode: 'copy' | 'move'): Promise<void> {
    const library = Library.open(this.library);
    const run = library.runs.get(1);
    assert.ok(run !== undefined);
    const { failures } = await transferFiles(library, run, {
      filter: {},
      to: this.target,
      mode,
      createdAt: '2026-01-01T00:00:00.000Z',
      total: 2,
      ...UNHEARD,
    });
    assert.deepEqual(failures, []);
    library.close();
  }

  /** What was killed is told of as interrupted until it came to its end. */
  async assertInterrupted(what: string): Promise<void> {
    const library = Library.open(this.library);
    const states = library.transfers.all().map(({ state }) => state);
    const listed = await listTransfers(library);
    library.close();
    assert.deepEqual(
      listed.map(({ interrupted }) => interrupted ?? 'done'),
      states,
      what,
    );
  }

  /** Takes back all that is listed. */
  async unsort(): Promise<void> {
    const library = Library.open(this.library);
    for (const { transferId } of await listTransfers(library)) {
      const { undone, failures } = await undoTransfer(library, transferId, UNHEARD);
      assert.deepEqual([undone, failures], [true, []]);
    }
    library.close();
  }

  #folders(): string[] {
    return [...new Set([this.root, this.other])];
  }
}

async function scene(t: TestContext, drives: 1 | 2): Promise<Scene | undefined> {
  const { folder, app } = testApp(t);
  writeFiles(folder, PICTURES);
  await app.run({ folders: [folder] });
  await app.close();
  const root = dirname(folder);
  rmSync(join(root, 'backups'), { recursive: true, force: true });
  const other = drives === 1 ? root : otherDrive(t);
  return other === undefined ? undefined : new Scene(t, root, other);
}

/** A file is whole wherever it can be seen; a name that was only taken is empty. */
function assertNothingLost({ pictures, sorted }: ReturnType<Scene['files']>, what: string): void {
  const contents = Object.entries({ ...pictures, ...prefixed(sorted) })
    .filter(([name, content]) => !name.endsWith('.partial') && content !== 'a folder' && content !== '')
    .map(([, content]) => content);
  assert.deepEqual(new Set(contents), new Set(Object.values(PICTURES)), `${what}: a file is lost or cut`);
}

const prefixed = (files: Record<string, string>) =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [`sorted/${name}`, content]));

interface Case {
  mode: 'copy' | 'move';
  undo: boolean; // whether it is the taking back that is killed
  drives: 1 | 2;
  links: boolean;
  stride: number; // 1: every call
}

async function killEverywhere(t: TestContext, { mode, undo, drives, links, stride }: Case): Promise<void> {
  const folder = temporaryFolder(t);
  const killer = Killer.build(folder);
  if (typeof killer === 'string') {
    t.skip(killer);
    return;
  }
  const place = await scene(t, drives);
  if (place === undefined) {
    t.skip('this machine has one drive, and none can be mounted');
    return;
  }
  const program = [process.execPath, ...(await bundle(folder, ['test/crash/transfer-program.ts']))];
  const command = [...program, place.library, undo ? 'undo' : mode, place.target];

  const before = place.files();
  place.save('fresh');
  await place.sort(mode);
  const sorted = place.files();
  const beside = place.rest();
  if (!undo) place.restore('fresh');
  place.save('start');

  const { calls = 0, code, output } = await killer.run(command, { links });
  assert.equal(code, 0, output);
  assert.deepEqual(place.files(), undo ? before : sorted);
  place.restore('start');
  const { calls: opening = 0 } = await killer.run([...program, place.library, 'open'], {});
  assert.ok(calls > opening + 10, `${calls} calls, ${opening} of them to open the library`);
  const first = opening + 1 + Math.floor(Math.random() * stride); // so that in the long run every call has its turn
  for (let at = first; at <= calls; at += stride) {
    const what = `killed at call ${at} of ${calls}`;
    place.restore('start');
    const ended: Ended = await killer.run(command, { at, links, torn: at % 2 === 1 });
    assert.equal(ended.killed, true, `${what}: ${ended.output}`);
    assertNothingLost(place.files(), what);
    await place.assertInterrupted(what);
    place.save('killed');
    await place.unsort();
    assert.deepEqual(place.files(), before, `${what}, then unsort`);
    place.restore('killed');
    await place.sort(mode);
    assert.deepEqual(place.files(), sorted, `${what}, then sort`);
    await place.unsort();
    assert.deepEqual(place.files(), before, `${what}, then sort and unsort`);
    assert.equal(place.transferRows(), 0, what);
    assert.deepEqual(
      place.rest().filter((name) => !beside.includes(name)),
      [],
      what,
    );
  }
}

suite(
  'killed at every call that changes files',
  { skip: process.platform === 'win32' && 'needs SIGKILL' },
  () => {
    const cases: [name: string, Case][] = [
      ['a move on one drive', { mode: 'move', undo: false, drives: 1, links: true, stride: 1 }],
      ['a move across two drives', { mode: 'move', undo: false, drives: 2, links: true, stride: 2 }],
      ['a move back on one drive', { mode: 'move', undo: true, drives: 1, links: true, stride: 3 }],
      ['a move back across two drives', { mode: 'move', undo: true, drives: 2, links: true, stride: 3 }],
      ['copying across two drives', { mode: 'copy', undo: false, drives: 2, links: true, stride: 5 }],
      ['deleting copies', { mode: 'copy', undo: true, drives: 1, links: true, stride: 5 }],
      ['a move without hard links', { mode: 'move', undo: false, drives: 1, links: false, stride: 5 }],
      ['a move back without hard links', { mode: 'move', undo: true, drives: 1, links: false, stride: 5 }],
      [
        'a move without hard links, across two drives',
        { mode: 'move', undo: false, drives: 2, links: false, stride: 5 },
      ],
    ];
    for (const [name, one] of cases) {
      test(`${name} loses no file, leaves nothing and can be finished and taken back`, (t) =>
        killEverywhere(t, one));
    }
  },
);

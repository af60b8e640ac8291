/** Sorting images into folders and taking that back, killed at every call by which it changes files. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
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

/** Seconds since 1970: copies have whole ones. */
const WRITTEN = 1_700_000_000;

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

/**
 * Copies what a folder holds into another, with times to the second, and names of one file as names of one copy: a process of
 * its own for each copy would take longer than all else.
 */
function copyInto(from: string, to: string): void {
  const copies = new Map<bigint, string>(); // by inode, of files with several names
  for (const entry of readdirSync(from, { recursive: true, encoding: 'utf8' }).sort()) {
    const [source, copy] = [join(from, entry), join(to, entry)];
    const stats = lstatSync(source, { bigint: true });
    if (stats.isDirectory()) {
      mkdirSync(copy);
      continue;
    }
    assert.ok(stats.isFile(), `${source} is no file`);
    const first = copies.get(stats.ino);
    if (first === undefined) copyFileSync(source, copy);
    else linkSync(first, copy);
    chmodSync(copy, Number(stats.mode & 0o777n));
    utimesSync(copy, Number(stats.atimeNs / SECOND), Number(stats.mtimeNs / SECOND));
    if (stats.nlink > 1n) copies.set(stats.ino, copy);
  }
}

/** In nanoseconds. */
const SECOND = 1_000_000_000n;

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
      copyInto(folder, join(place, folder));
    }
  }

  restore(name: string): void {
    for (const folder of this.#folders()) {
      for (const entry of readdirSync(folder)) rmSync(join(folder, entry), { recursive: true });
      copyInto(join(this.#saved, name, folder), folder);
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
    await this.#session((library) => this.#sort(library, mode));
  }

  /** In one session: what was killed is told of as interrupted until it came to its end, and all is taken back. */
  async assertUnsorts(what: string): Promise<void> {
    await this.#session(async (library) => {
      const states = library.transfers.all().map(({ state }) => state);
      const listed = await listTransfers(library);
      assert.deepEqual(
        listed.map(({ interrupted }) => interrupted ?? 'done'),
        states,
        what,
      );
      await this.#unsort(library);
    });
  }

  /** In one session: sorts, looks, and takes back all that is listed. */
  async sortAndUnsort(mode: 'copy' | 'move', look: () => void): Promise<void> {
    await this.#session(async (library) => {
      await this.#sort(library, mode);
      look();
      await this.#unsort(library);
    });
  }

  async #session(work: (library: Library) => Promise<void>): Promise<void> {
    const library = Library.open(this.library);
    try {
      await work(library);
    } finally {
      library.close();
    }
  }

  async #sort(library: Library, mode: 'copy' | 'move'): Promise<void> {
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
  }

  /** Takes back all that is listed. */
  async #unsort(library: Library): Promise<void> {
    for (const { transferId } of await listTransfers(library)) {
      const { undone, failures } = await undoTransfer(library, transferId, UNHEARD);
      assert.deepEqual([undone, failures], [true, []]);
    }
  }

  #folders(): string[] {
    return [...new Set([this.root, this.other])];
  }
}

async function scene(t: TestContext, drives: 1 | 2): Promise<Scene | undefined> {
  const { folder, app } = testApp(t);
  writeFiles(folder, PICTURES);
  for (const name of Object.keys(PICTURES)) utimesSync(join(folder, name), WRITTEN, WRITTEN);
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

interface Tools {
  killer: Killer | string; // why nothing can be killed
  program: string[];
}

async function killEverywhere(t: TestContext, { killer, program }: Tools, one: Case): Promise<void> {
  const { mode, undo, drives, links, stride } = one;
  if (typeof killer === 'string') {
    t.skip(killer);
    return;
  }
  const place = await scene(t, drives);
  if (place === undefined) {
    t.skip('this machine has one drive, and none can be mounted');
    return;
  }
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
    place.save('killed');
    await place.assertUnsorts(what);
    assert.deepEqual(place.files(), before, `${what}, then unsort`);
    place.restore('killed');
    await place.sortAndUnsort(mode, () => assert.deepEqual(place.files(), sorted, `${what}, then sort`));
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
    const tools: Tools = { killer: '', program: [] };
    const folder = temporaryFolder({ after: (cleanup: () => void) => after(cleanup) });
    before(async () => {
      tools.killer = Killer.build(folder);
      tools.program = [process.execPath, ...(await bundle(folder, ['test/crash/transfer-program.ts']))];
    });
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
        killEverywhere(t, tools, one));
    }
  },
);

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import { entry } from '../support/command-line.ts';
import { sampleParts } from '../support/models.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A network namespace of its own, in which not even the loopback is up; of a user namespace, so that nobody need be root. */
const NAMESPACE = ['unshare', '--map-root-user', '--net', '--'];
const tried = spawnSync('unshare', [...NAMESPACE.slice(1), 'true'], { encoding: 'utf8' });
const skip =
  tried.status === 0
    ? false
    : `no network namespace can be made here: ${tried.error?.message ?? tried.stderr.trim()}`;

const preload = fileURLToPath(new URL('../support/no-connections.ts', import.meta.url));

const pictures = join(sampleParts, 'bearing');

interface Told {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** The command line in a network namespace without routes, as are its hosts. `log`: where connections are written down. */
async function offline(data: string, log: string | undefined, ...args: string[]): Promise<Told> {
  const [command = '', ...rest] = [...NAMESPACE, process.execPath, entry, ...args];
  const watching =
    log === undefined ? {} : { NODE_OPTIONS: `--import=${preload}`, WINNOW_TEST_CONNECTIONS: log };
  const env = { ...process.env, WINNOW_DATA: data, WINNOW_DEBUG: undefined, ...watching };
  const child = spawn(command, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

suite('without a network', { skip }, () => {
  test('the whole way from a folder to CSV and other exports works, and nothing tries to connect', async (t) => {
    const data = temporaryFolder(t);
    const log = join(data, 'connections.txt');
    const count = globSync('*.jpg', { cwd: pictures }).length;
    const csv = join(data, 'out.csv');
    for (const args of [
      ['run', pictures, '--model', 'parts', '--csv', csv],
      ['export', '1', '--format', 'json', '--out', join(data, 'out.json')],
      ['show', '1'],
      ['models', 'list'],
      ['models', 'available'],
      ['devices'],
      ['library', 'check'],
    ]) {
      const { code, stderr } = await offline(data, log, ...args);
      assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    }
    const rows = parse<Record<string, string>>(readFileSync(csv), { columns: true });
    assert.deepEqual(
      rows.map(({ status }) => status),
      Array.from({ length: count }, () => 'ok'),
    );
    assert.equal(existsSync(log) ? readFileSync(log, 'utf8') : '', '');
  });

  test('a model cannot be fetched, which is said at once; what connects is noticed by the check above', async (t) => {
    const data = temporaryFolder(t);
    const { code, stderr } = await offline(data, undefined, 'models', 'get', 'vim-t');
    assert.equal(code, 1);
    assert.match(stderr, /winnow: huggingface\.co cannot be reached: /);
    assert.match(stderr, /Look at the network and the proxy; the download goes on where it stopped\.\n$/);
    const log = join(data, 'connections.txt');
    await offline(data, log, 'models', 'get', 'vim-t');
    assert.match(readFileSync(log, 'utf8'), /^a (connection|look-up) by .*models get/m);
  });
});

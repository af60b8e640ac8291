/** Formats the C++ sources in place, or with --check only names those that are not formatted. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import path from 'node:path';
import { root } from '../setup.mjs';

const isCheck = process.argv.includes('--check');
const { status, stderr } = spawnSync(
  path.join(root, 'node_modules/.bin/clang-format'),
  [...(isCheck ? ['--dry-run', '-Werror'] : ['-i']), ...globSync('native/**/*.{h,cc,mm}', { cwd: root })],
  { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 },
);
const unformatted = new Set(stderr.match(/^native\/[^:]+(?=:\d+:\d+: error)/gm));
if (unformatted.size > 0) console.error(`Not formatted (npm run format): ${[...unformatted].join(', ')}`);
else if (status !== 0) console.error(stderr);
process.exitCode = status ?? 1;

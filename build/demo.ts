/**
 * npm run demo [-- folder]: labels the sample pictures, or a folder, with the bundled model and shows what came out.
 * It is the command line's `winnow run`; everything it writes is in out/demo.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { root } from './setup.mjs';

const samples = path.join(root, 'resources/samples');
const output = path.join(root, 'out/demo');
const csv = path.join(output, 'files.csv');
const longest = 40; // rows of the table; the CSV has all

const rowSchema = z.object({
  relative_path: z.string(),
  status: z.string(),
  label: z.string(),
  confidence: z.coerce.number(),
  error: z.string(),
});

/** Runs the command line; 0 and 3 (some images failed) both leave a CSV. */
function label(folder: string): number {
  fs.rmSync(output, { recursive: true, force: true });
  fs.mkdirSync(output, { recursive: true });
  const program = path.join(root, 'electron/cli/winnow.ts');
  const places = ['--library', path.join(output, 'library.sqlite'), '--csv', csv];
  const command = ['run', folder, '--model', 'everyday10', '--preset', 'accurate', ...places];
  return spawnSync(process.execPath, [program, ...command], { stdio: 'inherit' }).status ?? 1;
}

/** The table: file, label, confidence; for the samples, whose names begin with their class, also a verdict. */
function show(folder: string): void {
  const rows = z.array(rowSchema).parse(parse(fs.readFileSync(csv), { columns: true, bom: true }));
  const isSamples = path.resolve(folder) === samples;
  const isRight = (row: (typeof rows)[number]) => row.relative_path.startsWith(`${row.label}-`);
  const shown = rows
    .slice(0, longest)
    .map((row) => ({ ...row, file: row.relative_path.replace(/\p{Cc}/gu, '?') }));
  const width = Math.max(4, ...shown.map(({ file }) => file.length));
  console.log(`\n${'file'.padEnd(width)}  label       confidence`);
  for (const row of shown) {
    const verdict = isSamples ? (isRight(row) ? '  right' : '  wrong') : '';
    const result =
      row.status === 'ok'
        ? `${row.label.padEnd(10)}  ${row.confidence.toFixed(2).padStart(10)}${verdict}`
        : row.error;
    console.log(`${row.file.padEnd(width)}  ${result}`);
  }
  if (rows.length > shown.length) console.log(`... and ${rows.length - shown.length} more`);
  if (isSamples) console.log(`\n${rows.filter(isRight).length} of ${rows.length} right`);
  console.log(`\nCSV: ${csv}`);
}

const folder = path.resolve(process.env.INIT_CWD ?? '.', process.argv[2] ?? samples);
process.exitCode = label(folder);
if (process.exitCode === 0 || process.exitCode === 3) show(folder);

/**
 * npm run demo [-- folder]: labels pictures with a model that comes with Winnow, once with Accurate and once with Fast, and
 * shows what came out. Without a folder these are pictures of workshop parts whose kinds are known, so it says how many are
 * right, and what Fast leaves out; then scenes of several parts, in which models find boxes and areas. It is the command
 * line's `winnow run`; everything it writes is in out/demo.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { DEFAULT_MODEL } from '../electron/core/runs/run-spec.ts';
import { SAMPLES } from '../electron/shared/api/settings.ts';
import { table } from '../electron/shared/table.ts';
import { root } from './setup.mjs';

const samples = path.join(root, 'resources/samples');
const output = path.join(root, 'out/demo');
const presets = ['accurate', 'fast'] as const;
const longest = 40; // rows of the table; the CSV has all

const rowSchema = z.object({
  relative_path: z.string(),
  status: z.string(),
  label: z.string(),
  confidence: z.coerce.number(),
  blocks_run: z.coerce.number(),
  tokens_kept: z.coerce.number(),
  milliseconds: z.coerce.number(),
  error: z.string(),
});
type Row = z.infer<typeof rowSchema>;

/** Of a run that finds what lies where: the best classes of a picture, each with its best score or its share of the area. */
const foundSchema = z.record(z.string(), z.string());
type FoundRow = z.infer<typeof foundSchema>;
const RANKS = ['', '_2', '_3', '_4', '_5'];

/** What the last column does not say. */
const FROM_FILE_TO_ROW = `Predictions/s is the engine alone. From file to row every picture is read and decoded as well, with
both alike; with pictures and a model as small as these that is most of the work, and Fast
gains little or nothing. On pictures of your own, \`winnow calibrate\` measures what it gains.`;

/** Pictures and the model that labels them. */
interface Labelled {
  folder: string;
  model: string;
}
const csvOf = (model: string, preset: string) => path.join(output, `${model}-${preset}.csv`);

/** Runs the command line; 0 and 3 (some images failed) both leave a CSV. */
function label({ folder, model }: Labelled, preset: string): number {
  const program = path.join(root, 'electron/cli/winnow.ts');
  const targets = ['--library', path.join(output, 'library.sqlite'), '--csv', csvOf(model, preset)];
  const command = ['run', folder, '--model', model, '--preset', preset, ...targets];
  return spawnSync(process.execPath, [program, ...command], { stdio: 'inherit' }).status ?? 1;
}

function read<Of>(row: z.ZodType<Of>, model: string, preset: string): Of[] {
  return z.array(row).parse(parse(fs.readFileSync(csvOf(model, preset)), { columns: true, bom: true }));
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const result = ({ status, label, confidence, error }: Row) =>
  status === 'ok' ? `${label} ${confidence.toFixed(2)}` : error;

const folderOf = ({ relative_path: file }: Row) => path.posix.dirname(file);

/** Of the samples, whose folders are named after their kinds. */
const isRight = (row: Row) => row.label === folderOf(row);

/** The labels with both presets; of the samples one picture of a kind, and how many of all are right. */
function show({ model }: Labelled, isSamples: boolean): void {
  const [accurate, fast] = [read(rowSchema, model, 'accurate'), read(rowSchema, model, 'fast')];
  const others = new Map(fast.map((row) => [row.relative_path, row]));
  const shown = isSamples
    ? accurate.filter((row, index) => index === 0 || folderOf(row) !== folderOf(accurate[index - 1] ?? row))
    : accurate.slice(0, longest);
  const cell = (row: Row | undefined) => {
    if (row === undefined) return '';
    return isSamples && !isRight(row) ? `${result(row)} (wrong)` : result(row);
  };
  const lines = shown.map((row) => [
    shownPath(row.relative_path),
    cell(row),
    cell(others.get(row.relative_path)),
  ]);
  process.stdout.write(`\n${table([['file', 'Accurate', 'Fast'], ...lines])}`);
  if (accurate.length > shown.length) console.log(`... and ${accurate.length - shown.length} more`);
  const heading = ['', ...(isSamples ? ['right'] : []), 'patches kept', 'scans run', 'predictions/s'];
  const totals = [summary('Accurate', accurate, isSamples), summary('Fast', fast, isSamples)];
  process.stdout.write(`\n${table([heading, ...totals])}`);
  console.log(`\n${FROM_FILE_TO_ROW}`);
  console.log(`\nCSV: ${csvOf(model, 'accurate')}`);
}

/** What a model found in each picture with both presets. */
function showFound({ model }: Labelled): void {
  const [accurate, fast] = [read(foundSchema, model, 'accurate'), read(foundSchema, model, 'fast')];
  const classes = (row: FoundRow | undefined) =>
    RANKS.flatMap((rank) => {
      const [name, score] = [row?.[`predicted_label${rank}`], Number(row?.[`confidence${rank}`])];
      return name === undefined || name === '' ? [] : [`${name} ${score.toFixed(2)}`];
    }).join(', ');
  const lines = accurate.map((row, index) => [
    shownPath(row['relative_path'] ?? ''),
    classes(row),
    classes(fast[index]),
  ]);
  process.stdout.write(`\n${model}\n${table([['file', 'Accurate', 'Fast'], ...lines])}`);
  console.log(`CSV: ${csvOf(model, 'accurate')}`);
}

const shownPath = (file: string) => file.replace(/\p{Cc}/gu, '?');

/** What a run did on average, as cells. */
function summary(name: string, rows: readonly Row[], isSamples: boolean): string[] {
  const done = rows.filter(({ status }) => status === 'ok');
  const means =
    done.length === 0
      ? ['-', '-', '-']
      : [
          mean(done.map((row) => row.tokens_kept)).toFixed(0),
          mean(done.map((row) => row.blocks_run)).toFixed(1),
          (1000 / mean(done.map((row) => row.milliseconds))).toFixed(0),
        ];
  return [name, ...(isSamples ? [`${done.filter(isRight).length} of ${rows.length}`] : []), ...means];
}

const named = process.argv[2];
const [first, ...scenes] = SAMPLES;
const sample = ({ folder, model }: Labelled) => ({ folder: path.join(samples, folder), model });
const labelled =
  named === undefined
    ? sample(first)
    : { folder: path.resolve(process.env.INIT_CWD ?? '.', named), model: DEFAULT_MODEL };
const others = named === undefined ? scenes.map(sample) : [];
fs.rmSync(output, { recursive: true, force: true });
fs.mkdirSync(output, { recursive: true });
const codes = [labelled, ...others].flatMap((one) => presets.map((preset) => label(one, preset)));
process.exitCode = codes.find((code) => code !== 0 && code !== 3) ?? codes.find((code) => code !== 0) ?? 0;
if (process.exitCode === 0 || process.exitCode === 3) {
  show(labelled, named === undefined);
  for (const one of others) showFound(one);
}

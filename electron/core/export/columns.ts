import { failureText } from '../results/failure-text.ts';
import { join } from 'node:path';
import type { ColumnSet } from '../../shared/api/exports.ts';
import { foundClasses, heldLabel } from '../results/held-label.ts';
import { amountsText, calledLabel } from '../results/box-counts.ts';
import type { LabelAmount } from '../results/box-counts.ts';
import type { HeldLabel } from '../results/held-label.ts';
import { patchesSurviving } from '../models/receipt-counts.ts';
import type { ModelRow } from '../store/tables/models.ts';
import type { ResultRow } from '../store/tables/results.ts';
import type { RunRow } from '../store/tables/runs.ts';
import { isToolManifest } from '../../shared/model-package.ts';
import { TASKS } from '../../shared/tasks.ts';

/** What a value of an exported table can be. */
export type Value = string | number | undefined;

/** The run that is exported, with its model. */
export interface Exported {
  run: RunRow;
  model: ModelRow;
  finder: ModelRow | undefined; // of a run that finds first: whose boxes it labels
}

/** A row with the labels of its boxes, of a run that finds first. */
export interface CountedRow extends ResultRow {
  boxes?: LabelAmount[] | undefined;
}

/** A run that is exported as tables. */
export interface ExportedTable extends Exported {
  set: ColumnSet;
  names: readonly string[]; // of the model's classes, as they are shown
  minScore: number; // see leastScore; 0 where the model does not detect
  depth: number; // columns of folders: those of the image that lies deepest
}

/** A column with its name; what it is made of differs between tables. */
export type Column<Cell> = readonly [name: string, value: (cell: Cell) => Value];

interface Cell {
  table: ExportedTable;
  folder: string;
  row: ResultRow;
  boxes: LabelAmount[] | undefined; // of a run that finds first
  held: HeldLabel;
  found: ResultRow['top']; // what counts at the threshold, best first
}

const RANKS = [1, 2, 3, 4, 5] as const;

/** The labels: what holds, where it is from, and what the model says. */
const labels: readonly Column<Cell>[] = [
  ['label', ({ held, table, boxes }) => calledLabel(held, table.run.spec, boxes)],
  ['label_source', ({ held }) => held.source],
  ...RANKS.flatMap((rank) => ranked('predicted_label', rank)),
  ['verified', ({ row }) => String(row.verified)],
];

/** The same by the names that they had in earlier exports: `label` is the model's. */
const classicLabels: readonly Column<Cell>[] = [
  ...RANKS.flatMap((rank) => ranked('label', rank)),
  ['human_label', ({ row }) => row.humanLabel],
  ['verified', ({ row }) => String(row.verified)],
];

const first: readonly Column<Cell>[] = [
  ['relative_path', ({ row }) => row.relativePath],
  ['absolute_path', ({ folder, row }) => join(folder, row.relativePath)],
  ['width', ({ row }) => row.width],
  ['height', ({ row }) => row.height],
  ['captured_at', ({ row }) => row.capturedAt],
  ['status', ({ row }) => row.status],
];

const last: readonly Column<Cell>[] = [
  ['model', ({ table }) => table.run.spec.modelName],
  ['model_sha256', ({ table: { run } }) => run.spec.find?.classifierSha256 ?? run.spec.modelSha256],
  ['preset', ({ table }) => table.run.spec.preset?.name],
  ['device', ({ table }) => table.run.spec.device],
  ['blocks_run', ({ row }) => row.blocksRun],
  [
    'tokens_kept',
    ({ row, table }) => row.receipt && patchesSurviving(row.receipt, pruningStages(table.model)),
  ],
  ['milliseconds', ({ row }) => row.receipt && rounded(row.receipt.milliseconds, 3)],
  ['error', ({ row }) => failureText(row)],
  ['warning', ({ row }) => row.warning],
  ['problem_details', ({ row }) => row.problem?.details],
  ['captured_fraction', ({ row }) => row.capturedFraction],
  ['captured_offset', ({ row }) => row.capturedOffset],
  ['min_score', ({ table }) => thresholdOf(table)],
];

const sets: Record<ColumnSet, readonly Column<Cell>[]> = {
  standard: [...first, ...labels, ...last],
  classic: [...first, ...classicLabels, ...last],
};

/** How many times a run's model prunes patches; another tool's never, as far as is known. */
export function pruningStages({ manifest }: ModelRow): number {
  return isToolManifest(manifest) ? 0 : manifest.pruningLayers.length;
}

/** Of a run that finds first; they stand behind those of every run. */
const boxColumns: readonly Column<Cell>[] = [
  ['boxes', ({ boxes }) => boxes?.reduce((sum, { count }) => sum + count, 0)],
  ['label_counts', ({ boxes }) => boxes && amountsText(boxes)],
  ['finder', ({ table }) => table.finder?.name],
];

function columnsOf({ set, run }: Pick<ExportedTable, 'set' | 'run'>): readonly Column<Cell>[] {
  return run.spec.find === undefined ? sets[set] : [...sets[set], ...boxColumns];
}

/** The names of the columns in their order; docs/exports.md describes them. */
export function columnNames(table: ExportedTable): string[] {
  return [...columnsOf(table).map(([name]) => name), ...folderColumns(table.depth)];
}

/** The values of one image, in the order of the columns. */
export function valuesOf(folder: string, row: CountedRow, table: ExportedTable): Value[] {
  const { names, minScore, depth } = table;
  const held = heldLabel(row, names, minScore);
  const { boxes } = row;
  const cell = { table, folder, row, boxes, held, found: foundClasses(row.top, minScore) };
  return [...columnsOf(table).map(([, value]) => value(cell)), ...folderValues(row.relativePath, depth)];
}

/** The names of the columns that `folderValues` fills. */
export function folderColumns(depth: number): string[] {
  return Array.from({ length: depth }, (_, index) => `folder_${index + 1}`);
}

/** The folders that an image lies in, below that of the run, in so many columns. */
export function folderValues(relativePath: string, depth: number): Value[] {
  const folders = foldersOf(relativePath);
  return Array.from({ length: depth }, (_, index) => folders[index]);
}

/** The folders that an image lies in, below that of the run, the outermost first. */
export function foldersOf(relativePath: string): string[] {
  return relativePath.split('/').slice(0, -1);
}

/** The score that what is written has at least; undefined where the model gives none. */
export function thresholdOf({ model, minScore }: ExportedTable): number | undefined {
  return TASKS[model.manifest.task].hasScores ? minScore : undefined;
}

/** To so many decimals. */
export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** The class of a rank, under this name, and its confidence. */
function ranked(name: string, rank: number): Column<Cell>[] {
  const behind = rank === 1 ? '' : `_${rank}`;
  return [
    [
      `${name}${behind}`,
      ({ found, table }) => {
        const scored = found[rank - 1];
        return scored && table.names[scored.classIndex];
      },
    ],
    [
      `confidence${behind}`,
      ({ found }) => {
        const scored = found[rank - 1];
        return scored && rounded(scored.confidence, 6);
      },
    ],
  ];
}

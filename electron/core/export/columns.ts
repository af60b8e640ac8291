import { join } from 'node:path';
import { patchesSurviving } from '../results/receipt-counts.ts';
import type { ModelRow } from '../store/models.ts';
import type { ResultRow } from '../store/results.ts';
import type { RunRow } from '../store/runs.ts';

/** What a value of an exported table can be. */
export type Value = string | number | undefined;

/** The run that is exported, with its model. */
export interface Exported {
  run: RunRow;
  model: ModelRow;
}

interface Cell extends Exported {
  folder: string;
  row: ResultRow;
}

type Column = (cell: Cell) => Value;

/** The columns of tables in their order; docs/exports.md describes them. */
const columns: Record<string, Column> = {
  relative_path: ({ row }) => row.relativePath,
  absolute_path: ({ folder, row }) => join(folder, row.relativePath),
  width: ({ row }) => row.width,
  height: ({ row }) => row.height,
  captured_at: ({ row }) => row.capturedAt,
  status: ({ row }) => row.status,
  label: label(1),
  confidence: confidence(1),
  label_2: label(2),
  confidence_2: confidence(2),
  label_3: label(3),
  confidence_3: confidence(3),
  label_4: label(4),
  confidence_4: confidence(4),
  label_5: label(5),
  confidence_5: confidence(5),
  human_label: ({ row }) => row.humanLabel,
  verified: ({ row }) => String(row.verified),
  model: ({ run }) => run.spec.modelName,
  model_sha256: ({ run }) => run.spec.modelSha256,
  preset: ({ run }) => run.spec.preset.name,
  device: ({ run }) => run.spec.device,
  blocks_run: ({ row }) => row.blocksRun,
  tokens_kept: ({ row, model }) =>
    row.receipt && patchesSurviving(row.receipt, model.manifest.pruningLayers.length),
  milliseconds: ({ row }) => row.receipt && rounded(row.receipt.milliseconds, 3),
  error: ({ row }) => row.error,
  warning: ({ row }) => row.warning,
  problem_details: ({ row }) => row.problem?.details,
  captured_fraction: ({ row }) => row.capturedFraction,
  captured_offset: ({ row }) => row.capturedOffset,
};

export const columnNames: readonly string[] = Object.keys(columns);

/** The values of one image, in the order of the columns. */
export function valuesOf(folder: string, row: ResultRow, exported: Exported): Value[] {
  return Object.values(columns).map((column) => column({ folder, row, ...exported }));
}

function label(rank: number): Column {
  return ({ row, model }) => {
    const scored = row.top[rank - 1];
    return scored && model.manifest.labels[scored.classIndex]?.name;
  };
}

function confidence(rank: number): Column {
  return ({ row }) => {
    const scored = row.top[rank - 1];
    return scored && rounded(scored.confidence, 6);
  };
}

/** To so many decimals. */
export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

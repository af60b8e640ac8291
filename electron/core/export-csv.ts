import { stringify } from 'csv-stringify/sync';
import { join } from 'node:path';
import { directionsRun, patchesSurviving } from './receipt-counts.ts';
import type { RowPage } from './run-rows.ts';
import type { ModelRow } from './store/models.ts';
import type { ResultRow } from './store/results.ts';
import type { RunRow } from './store/runs.ts';

/** What a cell can be computed from. */
interface Cell {
  folder: string;
  row: ResultRow;
  run: RunRow;
  model: ModelRow;
}

type Column = (cell: Cell) => string | number | undefined;

/** The columns in their order; docs/csv.md describes them. */
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
  human_label: () => undefined, // nobody can review yet
  verified: () => 'false',
  model: ({ run }) => run.spec.modelName,
  model_sha256: ({ run }) => run.spec.modelSha256,
  preset: ({ run }) => run.spec.preset.name,
  device: ({ run }) => run.spec.device,
  blocks_run: ({ row }) => row.receipt && directionsRun(row.receipt),
  tokens_kept: ({ row, model }) =>
    row.receipt && patchesSurviving(row.receipt, model.manifest.pruningLayers.length),
  milliseconds: ({ row }) => row.receipt && rounded(row.receipt.milliseconds, 3),
  error: ({ row }) => row.error,
};

/** Rows as RFC 4180: a header, CRLF, quotes where a field needs them. `bom`: mark the text as UTF-8 first. */
export function* csvText(
  pages: Iterable<RowPage>,
  run: RunRow,
  model: ModelRow,
  bom: boolean,
): Generator<string> {
  // The writer itself sees only CRLF as a line break, but a lone CR or LF in a name needs quotes just as well.
  const format = { record_delimiter: 'windows', quoted_match: /[\r\n]/ } as const;
  yield stringify([Object.keys(columns)], { ...format, bom });
  for (const { folder, rows } of pages) {
    const cells = rows.map((row) =>
      Object.values(columns).map((column) => column({ folder, row, run, model })),
    );
    yield stringify(cells, format);
  }
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

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

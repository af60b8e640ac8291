import { failureText } from '../results/failure-text.ts';
import { join } from 'node:path';
import type { Receipt, RunSpec } from '../../shared/run.ts';
import { foldersOf, pruningStages, thresholdOf } from './columns.ts';
import type { CountedRow, ExportedTable } from './columns.ts';
import { calledLabel } from '../results/box-counts.ts';
import { foundClasses, heldLabel } from '../results/held-label.ts';
import { directionsRun, patchesKept } from '../models/receipt-counts.ts';
import type { RowPage } from '../results/run-rows.ts';
import type { ModelRow } from '../store/tables/models.ts';
import { ALL_TASKS } from './format.ts';
import type { TableFormat } from './format.ts';

export const json: TableFormat = {
  name: 'json',
  of: 'files',
  place: 'file',
  ending: '.json',
  tasks: ALL_TASKS,
  options: [],
  isText: true,
  write: jsonText,
};

/** One JSON object `{"run": {...}, "files": [...]}` with one line per file; docs/exports.md describes it. */
function* jsonText(pages: Iterable<RowPage<CountedRow>>, table: ExportedTable): Generator<string> {
  yield `{"run":${JSON.stringify(describeRun(table))},\n"files":[`;
  let separator = '\n';
  for (const { folder, rows } of pages) {
    const lines = rows.map((row) => JSON.stringify(describeFile(folder, row, table)));
    yield separator + lines.join(',\n');
    separator = ',\n';
  }
  yield '\n]}\n';
}

function describeRun(table: ExportedTable) {
  const { id, spec, createdAt } = table.run;
  const { preset, detection, slideStride, imported } = spec;
  return {
    id,
    created_at: createdAt,
    folders: spec.folders,
    model: spec.modelName,
    model_sha256: spec.find?.classifierSha256 ?? spec.modelSha256,
    find: spec.find && describeFind(spec.find),
    preset: preset && {
      name: preset.name,
      token_keep: preset.tokenKeep,
      block_threshold: preset.blockThreshold,
      precision: preset.precision,
      input_size: preset.inputSize,
    },
    device: spec.device,
    imported: imported && { path: imported.path, format: imported.format },
    slide_stride: slideStride,
    detection: detection && {
      min_score: detection.minScore,
      nms_iou: detection.nmsIou,
      max_detections: detection.maxDetections,
    },
    min_score: thresholdOf(table),
  };
}

function describeFind({
  modelName,
  modelSha256,
  run,
  minScore,
  margin,
  rule,
  pass,
}: NonNullable<RunSpec['find']>) {
  const from = run === undefined ? { model_sha256: modelSha256 } : { run: run.id };
  return { model: modelName, ...from, min_score: minScore, margin, label_rule: rule, pass };
}

function describeFile(folder: string, row: CountedRow, { run, model, names, minScore }: ExportedTable) {
  const held = heldLabel(row, names, minScore);
  const { boxes } = row;
  return {
    relative_path: row.relativePath,
    absolute_path: join(folder, row.relativePath),
    width: row.width ?? null,
    height: row.height ?? null,
    captured_at: row.capturedAt ?? null,
    captured_fraction: row.capturedFraction ?? null,
    captured_offset: row.capturedOffset ?? null,
    status: row.status,
    label: calledLabel(held, run.spec, boxes) ?? null,
    label_counts: boxes && Object.fromEntries(boxes.map(({ label, count }) => [label, count])),
    label_source: held.source ?? null,
    predicted_label: held.predicted ?? null,
    confidence: held.confidence ?? null,
    predictions: foundClasses(row.top, minScore).map(({ classIndex, confidence }) => ({
      label: model.manifest.labels[classIndex]?.name,
      synset: model.manifest.labels[classIndex]?.synset,
      class_index: classIndex,
      confidence,
    })),
    human_label: row.humanLabel ?? null,
    verified: row.verified,
    reviewed_by: row.reviewedBy, // left out where the review was given here
    receipt: row.receipt === undefined ? null : describeReceipt(row.receipt, model),
    error: failureText(row) ?? null,
    warning: row.warning ?? null,
    problem_details: row.problem?.details ?? null,
    folders: foldersOf(row.relativePath),
  };
}

function describeReceipt(receipt: Receipt, model: ModelRow) {
  return {
    directions: [...receipt.directions],
    blocks_run: directionsRun(receipt),
    patches_kept: patchesKept(receipt, pruningStages(model)),
    milliseconds: receipt.milliseconds,
  };
}

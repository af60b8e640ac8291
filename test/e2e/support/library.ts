import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { HumanBox } from '../../../electron/shared/api/review.ts';

export interface SavedResult {
  path: string; // relative
  status: 'pending' | 'ok' | 'failed';
  label: string | undefined; // the model's
  confidence: number | undefined; // with the six digits that exports have
  reviewed: string | undefined; // the person's label
}

interface Row {
  relative_path: string;
  status: SavedResult['status'];
  class_1: number | null;
  confidence_1: number | null;
  label: string | null;
  manifest: string;
}

/** How many objects and areas a run has. */
export function foundOf(data: string, runId: number): { detections: number; masks: number } {
  const [counts] = query<{ detections: number; masks: number }>(
    data,
    `SELECT (SELECT count(*) FROM detections WHERE run_id = ${runId}) AS detections,
            (SELECT count(*) FROM masks WHERE run_id = ${runId}) AS masks`,
  );
  return counts ?? { detections: 0, masks: 0 };
}

/** The results of a run as the library holds them, in order of paths; read beside Winnow. */
export function savedResults(data: string, runId: number): SavedResult[] {
  const rows = query<Row>(
    data,
    `SELECT relative_path, status, class_1, confidence_1, reviews.label, manifest
     FROM results
     JOIN images ON images.id = image_id
     JOIN runs ON runs.id = run_id
     JOIN models ON models.sha256 = model_sha256
     LEFT JOIN reviews USING (class_set, image_id)
     WHERE run_id = ${runId}
     ORDER BY relative_path`,
  );
  return rows.map(({ relative_path, status, class_1, confidence_1, label, manifest }) => {
    const { labels } = JSON.parse(manifest) as { labels: { name: string }[] };
    return {
      path: relative_path,
      status,
      label: class_1 === null ? undefined : labels[class_1]?.name,
      confidence: confidence_1 === null ? undefined : Number(confidence_1.toFixed(6)),
      reviewed: label ?? undefined,
    };
  });
}

function query<R>(data: string, sql: string): R[] {
  const database = new Database(join(data, 'library.db'), { readonly: true });
  try {
    return database.prepare<[], R>(sql).all();
  } finally {
    database.close();
  }
}

/** The boxes that a person has left in an image of the library, by its relative path; undefined where nobody has. */
export function savedBoxes(data: string, path: string): HumanBox[] | undefined {
  const [row] = query<{ boxes: string | null }>(
    data,
    `SELECT boxes FROM reviews JOIN images ON images.id = image_id WHERE relative_path = '${path}'`,
  );
  return typeof row?.boxes === 'string' ? (JSON.parse(row.boxes) as HumanBox[]) : undefined;
}

import type { Database, Statement } from 'better-sqlite3';
import type { ClassProbability, LabelledDetection } from '../../../shared/engine-api.ts';
import { problemText } from '../../../shared/picture-problem.ts';
import type { PictureProblem } from '../../../shared/picture-problem.ts';
import type { FoundTable } from './found.ts';
import { computed, RANKS } from './results.ts';

/** What became of the boxes of an image, of a run that finds first. */
export type LabelledOutcome =
  | {
      status: 'ok';
      warning?: PictureProblem | undefined;
      top: ClassProbability[]; // the image's label first
      detections: LabelledDetection[]; // best first
      milliseconds: number; // in the classifier
    }
  | { status: 'failed'; problem: PictureProblem; isUnread?: boolean }; // isUnread: the file could not even be read

const top5 = RANKS.flatMap((rank) => [`class_${rank}`, `confidence_${rank}`]);

/** Statements of the table `results` of runs that find first. */
export class BoxLabelsTable {
  readonly #follow: Statement<[{ runId: number; finderId: number }]>[];
  readonly #save: Statement;
  readonly #found: FoundTable;

  constructor(database: Database, found: FoundTable) {
    this.#found = found;
    this.#follow = [
      `INSERT INTO results (run_id, image_id, status, file_size, modified_ms)
        SELECT :runId, image_id, 'pending', file_size, modified_ms FROM results AS finder
        WHERE run_id = :finderId
        ON CONFLICT (run_id, image_id) DO UPDATE SET
          status = 'pending', file_size = excluded.file_size, modified_ms = excluded.modified_ms,
          ${computed.map((column) => `${column} = NULL`).join(', ')}
        WHERE file_size IS NOT excluded.file_size OR modified_ms IS NOT excluded.modified_ms`,
      `DELETE FROM results WHERE run_id = :runId
        AND image_id NOT IN (SELECT image_id FROM results WHERE run_id = :finderId)`,
      ...['detections', 'masks'].map(
        (table) => `DELETE FROM ${table} WHERE run_id = :runId AND image_id IN
          (SELECT image_id FROM results WHERE run_id = :runId AND status = 'pending')`,
      ),
    ].map((sql) => database.prepare<[{ runId: number; finderId: number }]>(sql));
    this.#save = database.prepare(`
      UPDATE results SET status = :status, (file_size, modified_ms) =
          (SELECT file_size, modified_ms FROM results WHERE run_id = :finderId AND image_id = :imageId AND NOT :isUnread),
        ${top5.map((column) => `${column} = :${column}`).join(', ')}, milliseconds = :milliseconds,
        error = :error, warning = :warning, problem = :code, problem_details = :details
      WHERE run_id = :runId AND image_id = :imageId`);
  }

  /**
   * Makes the images of the run those of the run that finds for it; those that are new there, or of another version of the
   * file, become pending. The caller has a transaction.
   */
  follow(runId: number, finderId: number): void {
    for (const statement of this.#follow) statement.run({ runId, finderId });
  }

  /**
   * The result of an image of a run that finds first, of the version of the file that the finder saw; none of a file that
   * could not be read, so that it is tried again. The caller has a transaction.
   */
  save(runId: number, finderId: number, imageId: number, outcome: LabelledOutcome): void {
    const isOk = outcome.status === 'ok';
    const top = isOk ? outcome.top : [];
    const problem = isOk ? outcome.warning : outcome.problem;
    const sentence = problem === undefined ? null : problemText(problem);
    const ranks = RANKS.flatMap((rank) => [
      [`class_${rank}`, top[rank - 1]?.classIndex ?? null],
      [`confidence_${rank}`, top[rank - 1]?.confidence ?? null],
    ]);
    this.#save.run({
      ...Object.fromEntries(ranks),
      status: outcome.status,
      runId,
      imageId,
      finderId,
      isUnread: Number(!isOk && outcome.isUnread === true),
      milliseconds: isOk ? outcome.milliseconds : null,
      error: isOk ? null : sentence,
      warning: isOk ? sentence : null,
      code: problem?.code ?? null,
      details: problem?.details ?? null,
    });
    this.#found.save(runId, imageId, isOk ? { detections: outcome.detections } : {});
  }
}

import { SKIP_REASONS } from '../../shared/label-skips.ts';
import type { Skipped, SkipReason } from '../../shared/label-skips.ts';
import { shortened } from '../../shared/shortened.ts';

/** What of a file is left out or changed: how often for each reason, and where first. */
export class SkipCounts {
  readonly #counts = new Map<SkipReason, Skipped>();

  add(reason: SkipReason, where: string): void {
    const known = this.#counts.get(reason);
    if (known !== undefined) known.count++;
    else this.#counts.set(reason, { reason, count: 1, example: shortened(where) });
  }

  /** Counts a reason that was counted elsewhere. */
  put({ reason, count, example }: Skipped): void {
    const known = this.#counts.get(reason);
    if (known === undefined) this.#counts.set(reason, { reason, count, example });
    else known.count += count;
  }

  /** In the order in which the reasons are listed. */
  all(): Skipped[] {
    return SKIP_REASONS.flatMap((reason) => this.#counts.get(reason) ?? []);
  }
}

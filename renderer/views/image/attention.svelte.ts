import type { Attention } from '../../../electron/shared/api/attention.ts';
import { attempt } from '../../lib/state/notices.svelte.ts';
import { api } from '../../lib/connection/winnow.svelte.ts';

/** Where a layer of the run's model looks in the image that is shown. */
export class AttentionView {
  readonly #runId: number;
  /** From 1; undefined shows nothing. Stays from image to image. */
  layer: number | undefined = $state();
  #last: number | undefined; // that was shown
  #answer: { imageId: number; value: Attention } | undefined = $state.raw();

  constructor(runId: number) {
    this.#runId = runId;
  }

  /** Shows the layer that was shown last, at first the last one, or nothing. */
  toggle(depth: number): void {
    this.choose(this.layer === undefined ? (this.#last ?? depth) : undefined);
  }

  choose(layer: number | undefined): void {
    this.layer = layer;
    this.#last = layer ?? this.#last;
  }

  /** What is known of an image; undefined while it is being computed. */
  of(imageId: number): Attention | undefined {
    const { layer } = this;
    const isMeant = this.#answer?.imageId === imageId && this.#answer.value.layer === layer;
    return isMeant ? this.#answer?.value : undefined;
  }

  /** Asks for an image unless it is known. */
  async ask(imageId: number): Promise<void> {
    const { layer } = this;
    if (layer === undefined || this.of(imageId) !== undefined) return;
    await attempt(async () => {
      const value = await api.explainImage({ runId: this.#runId, imageId, layer });
      if (layer === this.layer) this.#answer = { imageId, value };
    });
  }
}

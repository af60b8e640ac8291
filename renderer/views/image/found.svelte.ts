import { SvelteSet } from 'svelte/reactivity';
import type { ImageDetails, Suggestion } from '../../../electron/shared/api/results.ts';
import type { Box } from '../../../electron/shared/engine-api.ts';
import { announce } from '../../lib/state/announcer.svelte.ts';
import { ClassRanks } from '../../lib/class-colour.ts';
import { said } from '../../lib/text/i18n.svelte.ts';
import { attempt } from '../../lib/state/notices.svelte.ts';
import { SHOWN_SCORE } from '../../lib/runs/task.ts';
import { api } from '../../lib/connection/winnow.svelte.ts';
import { markedBoxes, placed, relabelled, toHumanBoxes } from './box-set.ts';
import type { MarkedBox } from './box-set.ts';
import { TASKS } from '../../../electron/shared/tasks.ts';

const SETTLE_MS = 400; // without another key press, before boxes that were moved by keys are saved

/** What was found in the image that is shown, what of it is seen, and the boxes as a person changes them. */
export class Found {
  readonly #runId: number;
  /** Of the one selected image; undefined while it is on its way. */
  details: ImageDetails | undefined = $state.raw();
  /** By class; the same in all pictures of the run. */
  ranks: ClassRanks = $state.raw(new ClassRanks([]));
  minScore: number = $state(SHOWN_SCORE);
  /** Classes that are switched off. */
  readonly hidden = new SvelteSet<string>();
  opacity: number = $state(0.6); // of masks, 0 to 1
  /** Indices of boxes. */
  selected: number | undefined = $state();
  hovered: number | undefined = $state();
  /** A box that was drawn and has no class yet. */
  draft: Box | undefined = $state.raw();
  /** Whether the next movement of the mouse draws a box. */
  isDrawing: boolean = $state(false);
  /** Window of a segmented picture whose patches and scans are shown, from 0; undefined shows all. */
  window: number | undefined = $state();
  /** Boxes that the library does not have yet. */
  #changed: MarkedBox[] | undefined = $state.raw();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #saves: Promise<void> = Promise.resolve();
  #underWay = 0;
  readonly #stored: MarkedBox[] = $derived(
    this.details === undefined ? [] : markedBoxes(this.details, this.minScore),
  );

  constructor(runId: number) {
    this.#runId = runId;
  }

  get boxes(): MarkedBox[] {
    return this.#changed ?? this.#stored;
  }

  get isDetection(): boolean {
    return this.details !== undefined && TASKS[this.details.task].hasScores;
  }

  /** The selected box. */
  get current(): MarkedBox | undefined {
    return this.selected === undefined ? undefined : this.boxes[this.selected];
  }

  /** Whether keys are about a box, not about the image. */
  get isBoxMeant(): boolean {
    return this.isDrawing || this.draft !== undefined || this.current !== undefined;
  }

  /** What a person said of the image among other classes, while nothing is said of it among these. */
  get suggestion(): Suggestion | undefined {
    return this.#changed === undefined ? this.details?.suggestion : undefined;
  }

  /** Whether the boxes are a person's. */
  get isOwn(): boolean {
    return this.#changed !== undefined || this.details?.humanBoxes !== undefined;
  }

  isShown({ label }: { label: string }): boolean {
    return !this.hidden.has(label);
  }

  /** Shows what is known of an image, anew or for the first time. */
  take(details: ImageDetails): void {
    if (details.item.imageId !== this.details?.item.imageId) this.leave();
    this.details = details;
    if (this.#underWay === 0 && this.#timer === undefined) this.#changed = undefined;
  }

  /** Saves what was not saved, and forgets what concerned this image alone. */
  leave(): void {
    this.deselect();
    this.#changed = undefined;
    this.window = undefined;
  }

  /** Saves what was not saved, and lets go of the boxes. */
  deselect(): void {
    void this.flush();
    [this.selected, this.hovered, this.draft, this.isDrawing] = [undefined, undefined, undefined, false];
  }

  toggle(label: string): void {
    if (!this.hidden.delete(label)) this.hidden.add(label);
  }

  /** Selects the next box that is shown, or the one before; from none the first or the last. */
  step(by: 1 | -1): void {
    const shown = [...this.boxes.keys()].filter((index) => this.isShown(this.boxes[index] ?? { label: '' }));
    const at = this.selected === undefined ? (by > 0 ? -1 : 0) : shown.indexOf(this.selected);
    this.selected = shown.at((at + by) % Math.max(1, shown.length));
  }

  /** Puts the selected box elsewhere for now, while it is dragged. */
  drag(place: Box): void {
    this.#changed = this.#with((box) => placed(box, place));
  }

  /** Puts the selected box elsewhere; it is saved when no other key has been pressed for a while. */
  nudge(place: Box): void {
    this.drag(place);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), SETTLE_MS);
  }

  relabel(label: string): void {
    this.#change(this.#with((box) => relabelled(box, label)));
  }

  remove(): void {
    const { selected } = this;
    if (this.current === undefined) return;
    this.selected = undefined;
    this.#change(this.boxes.filter((_, index) => index !== selected));
  }

  /** Takes a box that was drawn, which wants a class. */
  place(draft: Box): void {
    [this.draft, this.isDrawing, this.selected] = [draft, false, undefined];
  }

  /** Makes the box that was drawn one of a class. */
  add(label: string): void {
    const { draft } = this;
    if (draft === undefined) return;
    const { x, y, width, height } = draft;
    const box = { x, y, width, height, label, score: undefined, detection: undefined, mask: undefined };
    const boxes = [...this.boxes, box];
    this.draft = undefined;
    this.#change(boxes);
    this.selected = boxes.length - 1;
  }

  /** Ends a movement: what was dragged is saved. */
  drop(): void {
    if (this.#changed !== undefined) this.#change(this.#changed);
  }

  /** Whether there is a movement that is not saved yet. */
  get isUnsaved(): boolean {
    return this.#timer !== undefined;
  }

  /** Saves what waits to be saved; comes back when all is. */
  flush(): Promise<void> {
    if (this.#timer !== undefined && this.#changed !== undefined) this.#change(this.#changed);
    return this.#saves;
  }

  #with(change: (box: MarkedBox) => MarkedBox): MarkedBox[] {
    return this.boxes.map((box, index) => (index === this.selected ? change(box) : box));
  }

  #change(boxes: MarkedBox[]): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const imageId = this.details?.item.imageId;
    if (imageId === undefined) return;
    this.#changed = boxes;
    this.#underWay++;
    this.#saves = this.#saves.then(() => this.#save(imageId, boxes));
  }

  /** One save after the other, each a step that undo takes back. */
  async #save(imageId: number, boxes: readonly MarkedBox[]): Promise<void> {
    const runId = this.#runId;
    const verdict = { kind: 'boxes' as const, boxes: toHumanBoxes(boxes) };
    const change = await attempt(() => api.review({ runId, imageIds: [imageId], verdict }));
    if (change) announce(said(change.description));
    const isLast = () => this.#underWay === 1 && this.details?.item.imageId === imageId;
    const details = isLast()
      ? await attempt(() => api.showImage({ runId, imageId, minScore: this.minScore }))
      : undefined;
    const isSettled = isLast();
    this.#underWay--;
    if (isSettled && details !== undefined) this.take(details);
    else if (isSettled && this.#timer === undefined) this.#changed = undefined;
  }
}

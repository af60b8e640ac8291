import { SvelteSet } from 'svelte/reactivity';
import type { ImageDetails, Suggestion } from '../../../electron/shared/api/results.ts';
import type { Box } from '../../../electron/shared/engine-api.ts';
import { announce } from '../../lib/state/announcer.svelte.ts';
import { ClassRanks } from '../../lib/class-colour.ts';
import { said } from '../../lib/text/i18n.svelte.ts';
import { attempt } from '../../lib/state/notices.svelte.ts';
import { SHOWN_SCORE } from '../../lib/runs/task.ts';
import { api } from '../../lib/connection/winnow.svelte.ts';
import { AttentionView } from './attention.svelte.ts';
import { markedBoxes, placed, relabelled, toHumanBoxes } from './box-set.ts';
import type { MarkedBox } from './box-set.ts';
import { isDenseTask, TASKS } from '../../../electron/shared/tasks.ts';

const SETTLE_MS = 400; // after the last key press, before boxes that were moved by keys are saved

/** What was found in the image that is shown, what of it is visible, and the boxes as a person changes them. */
export class Found {
  readonly #runId: number;
  /** Of the one selected image; undefined while it is being fetched. */
  details: ImageDetails | undefined = $state.raw();
  /** Colours of the classes; the same in all pictures of the run. */
  ranks: ClassRanks = $state.raw(new ClassRanks([]));
  minScore: number = $state(SHOWN_SCORE);
  /** Classes that are not shown. */
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
  readonly attention: AttentionView;
  /** The boxes as changed but not saved yet. */
  #changed: MarkedBox[] | undefined = $state.raw();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #saves: Promise<void> = Promise.resolve();
  #underWay = 0;
  readonly #stored: MarkedBox[] = $derived(
    this.details === undefined ? [] : markedBoxes(this.details, this.minScore),
  );

  constructor(runId: number) {
    this.#runId = runId;
    this.attention = new AttentionView(runId);
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

  /** Whether the keys of the review are about a box, not about the image. */
  get isBoxMeant(): boolean {
    return this.isDrawing || this.draft !== undefined || this.current !== undefined;
  }

  /** Whether a layer of the model can be asked where it looks: of a classifier that saw the image whole. */
  get canExplain(): boolean {
    const { details } = this;
    if (details?.receipt === undefined || details.crops.length === 0) return false;
    return !isDenseTask(details.task) && details.run.spec.find === undefined;
  }

  /** The label that a person gave the image among other classes, while it has none among this model's. */
  get suggestion(): Suggestion | undefined {
    return this.#changed === undefined ? this.details?.suggestion : undefined;
  }

  /** Whether the boxes are a person's, not the model's. */
  get isOwn(): boolean {
    return this.#changed !== undefined || this.details?.humanBoxes !== undefined;
  }

  isShown({ label }: { label: string }): boolean {
    return !this.hidden.has(label);
  }

  /** Takes the details of an image: of another one, or newer ones of the same. */
  take(details: ImageDetails): void {
    if (details.item.imageId !== this.details?.item.imageId) this.leave();
    this.details = details;
    if (this.#underWay === 0 && this.#timer === undefined) this.#changed = undefined;
  }

  /** Saves unsaved changes, and resets what is about this image only. */
  leave(): void {
    this.deselect();
    this.#changed = undefined;
    this.window = undefined;
  }

  /** Saves unsaved changes, and deselects. */
  deselect(): void {
    void this.flush();
    [this.selected, this.hovered, this.draft, this.isDrawing] = [undefined, undefined, undefined, false];
  }

  toggle(label: string): void {
    if (!this.hidden.delete(label)) this.hidden.add(label);
  }

  /** Selects the next visible box, or the one before; with none selected, the first or the last. */
  step(by: 1 | -1): void {
    const shown = [...this.boxes.keys()].filter((index) => this.isShown(this.boxes[index] ?? { label: '' }));
    const at = this.selected === undefined ? (by > 0 ? -1 : 0) : shown.indexOf(this.selected);
    this.selected = shown.at((at + by) % Math.max(1, shown.length));
  }

  /** Moves the selected box while it is dragged, without saving it. */
  drag(place: Box): void {
    this.#changed = this.#with((box) => placed(box, place));
  }

  /** Moves the selected box; it is saved `SETTLE_MS` after the last move. */
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

  /** Takes a box that was drawn and needs a class. */
  place(draft: Box): void {
    [this.draft, this.isDrawing, this.selected] = [draft, false, undefined];
  }

  /** Adds the box that was drawn, with its class. */
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

  /** Ends dragging: saves the box. */
  drop(): void {
    if (this.#changed !== undefined) this.#change(this.#changed);
  }

  /** Whether a move is not saved yet. */
  get isUnsaved(): boolean {
    return this.#timer !== undefined;
  }

  /** Saves unsaved changes; resolves when everything is saved. */
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

  /** Saves one after the other; undo takes back one save at a time. */
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

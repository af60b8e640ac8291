import type { Box } from '../../../electron/shared/engine-api.ts';
import type { ClassPaint } from '../../lib/class-colour.ts';
import { clearIndices, handlePoints } from './boxes.ts';
import type { DrawnBox, Point } from './boxes.ts';
import type { Placement } from './zoom.ts';

const CASING = 'rgb(20 19 17 / 80%)'; // makes every colour stand out from every picture
const PAPER = '#fff';
const TAG = 18; // height, CSS pixels
const TAG_FROM = 44; // least width of a box with a tag, CSS pixels
const HANDLE = 8; // side, CSS pixels

/** Draws boxes in CSS pixels: lines stay thin however far the picture is zoomed in. */
export function drawBoxes(
  context: CanvasRenderingContext2D,
  boxes: readonly DrawnBox[],
  to: Placement,
): void {
  const order = { plain: 0, hovered: 1, selected: 2 };
  // The best on top, and above them the one that is pointed at or selected.
  const sorted = boxes.toReversed().sort((one, other) => order[one.strength] - order[other.strength]);
  const seen = sorted.map((box) => ({ box, place: toScreen(box, to) }));
  for (const { box, place } of seen) drawBox(context, box, place);
  const tagged = seen
    .filter(({ box, place }) => place.width >= TAG_FROM || box.strength !== 'plain')
    .reverse();
  const areas = tagged.map(({ box, place }) => tagArea(context, box.text, place));
  // Tags that would cover that of a better box are left out, so that those drawn can be read.
  for (const index of clearIndices(areas)) {
    const one = tagged[index];
    if (one) drawTag(context, one.box.text, one.box.paint, one.place);
  }
  const selected = seen.at(-1);
  if (selected?.box.strength === 'selected') drawHandles(context, selected.place);
}

/** Draws the outline of a box that is being drawn. */
export function drawDraft(context: CanvasRenderingContext2D, box: Box, to: Placement): void {
  const place = toScreen(box, to);
  line(context, place, { width: 4, colour: CASING, dash: [] });
  line(context, place, { width: 2, colour: PAPER, dash: [6, 4] });
}

function toScreen({ x, y, width, height }: Box, to: Placement): Box {
  return {
    x: to.x + x * to.scale,
    y: to.y + y * to.scale,
    width: width * to.scale,
    height: height * to.scale,
  };
}

function drawBox(context: CanvasRenderingContext2D, { paint, strength }: DrawnBox, place: Box): void {
  const width = strength === 'plain' ? 2 : 3;
  line(context, place, { width: width + 2, colour: CASING, dash: [] });
  if (strength === 'selected') line(context, place, { width, colour: PAPER, dash: [] });
  line(context, place, { width, colour: paint.colour, dash: strength === 'selected' ? [8, 5] : paint.dash });
}

interface Line {
  width: number;
  colour: string;
  dash: number[];
}

function line(context: CanvasRenderingContext2D, { x, y, width, height }: Box, look: Line): void {
  context.lineWidth = look.width;
  context.strokeStyle = look.colour;
  context.setLineDash(look.dash);
  context.strokeRect(x, y, width, height);
}

const widths = new Map<string, number>();

function widthOf(context: CanvasRenderingContext2D, text: string): number {
  const known = widths.get(text);
  if (known !== undefined) return known;
  const { width } = context.measureText(text);
  if (widths.size > 2000) widths.clear();
  widths.set(text, width);
  return width;
}

/** Area of the tag at a point: above it, or below it at the upper edge of the stage. */
function tagArea(context: CanvasRenderingContext2D, text: string, { x, y }: Point): Box {
  const width = widthOf(context, text) + 22;
  return { x: Math.max(0, x - 1), y: y >= TAG ? y - TAG : Math.max(0, y), width, height: TAG };
}

/** A name with the colour of its class, at a point. */
export function drawTag(
  context: CanvasRenderingContext2D,
  text: string,
  paint: ClassPaint,
  point: Point,
): void {
  const { x: left, y: top, width } = tagArea(context, text, point);
  context.fillStyle = 'rgb(20 19 17 / 88%)';
  context.fillRect(left, top, width, TAG);
  context.fillStyle = paint.colour;
  context.fillRect(left + 5, top + 5, 8, 8);
  context.fillStyle = PAPER;
  context.fillText(text, left + 18, top + TAG / 2 + 0.5);
}

function drawHandles(context: CanvasRenderingContext2D, place: Box): void {
  context.setLineDash([]);
  context.lineWidth = 1.5;
  for (const { x, y } of handlePoints(place)) {
    context.fillStyle = PAPER;
    context.fillRect(x - HANDLE / 2, y - HANDLE / 2, HANDLE, HANDLE);
    context.strokeStyle = CASING;
    context.strokeRect(x - HANDLE / 2, y - HANDLE / 2, HANDLE, HANDLE);
  }
}

import sharp from 'sharp';
import type { OverlayOptions } from 'sharp';
import type { Box, Mark } from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import { decodeRuns, forEachColumnPart } from '../../shared/mask.ts';
import type { Picture } from './picture.ts';

const MASK_OPACITY = 0.5;
const LINE = 1 / 320; // of the picture's longer side
const TEXT = 1 / 40;
const LEAST_TEXT = 11; // pixels

/**
 * Paints the masks and then the boxes of marks into a picture of RGB bytes. Throws BAD_ARGUMENT for a mask of another size.
 */
export function paintMarks(picture: Picture, marks: readonly Mark[]): void {
  for (const { counts, colour } of marks) if (counts !== undefined) fillMask(picture, counts, toRgb(colour));
  for (const { box, colour } of marks) if (box !== undefined) outlineBox(picture, box, toRgb(colour));
}

/** The texts of marks as pictures to lay over theirs; none where the computer has no fonts. */
export async function drawTexts(
  marks: readonly Mark[],
  { width, height }: { width: number; height: number },
): Promise<OverlayOptions[]> {
  const size = Math.max(LEAST_TEXT, Math.round(Math.max(width, height) * TEXT));
  const overlays: OverlayOptions[] = [];
  for (const { text, box, colour } of marks) {
    if (text === undefined || box === undefined) continue;
    const drawn = await drawText(text, colour, size);
    if (drawn === undefined || drawn.info.width > width || drawn.info.height > height) continue;
    overlays.push({
      input: drawn.data,
      left: Math.max(0, Math.min(Math.round(box.x), width - drawn.info.width)),
      top: Math.max(0, Math.min(Math.round(box.y) - drawn.info.height, height - drawn.info.height)),
    });
  }
  return overlays;
}

async function drawText(text: string, colour: string, size: number) {
  const [red, green, blue] = toRgb(colour);
  const ink = 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? '#000000' : '#ffffff';
  const escaped = text.toWellFormed().replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
  const plain = escaped.replace(/[\u0000-\u001f\ufffe\uffff]/g, ' ');
  const markup = `<span foreground="${ink}" background="${colour}"> ${plain} </span>`;
  try {
    return await sharp({ text: { text: markup, font: 'sans 10', dpi: Math.round(7.2 * size), rgba: true } })
      .png()
      .toBuffer({ resolveWithObject: true });
  } catch {
    return undefined; // the boxes are worth having without it
  }
}

function fillMask({ pixels, width, height }: Picture, counts: string, colour: readonly number[]): void {
  const runs = decodeRuns(counts);
  const size = runs.reduce((sum, run) => sum + run, 0);
  if (size !== width * height) {
    throw new AppError(
      'BAD_ARGUMENT',
      `Expected a mask of the picture's ${width} x ${height} pixels, but got one of ${size}`,
      'Has the file changed since the run? Run it again.',
    );
  }
  forEachColumnPart(runs, height, (x, y, length) => {
    for (let row = y; row < y + length; row++) {
      for (const [channel, value] of colour.entries()) {
        const at = (row * width + x) * 3 + channel;
        pixels[at] = Math.round((pixels[at] ?? 0) * (1 - MASK_OPACITY) + value * MASK_OPACITY);
      }
    }
  });
}

/** Draws the lines inside the box. */
function outlineBox(picture: Picture, box: Box, colour: readonly number[]): void {
  const line = Math.max(1, Math.round(Math.max(picture.width, picture.height) * LINE));
  const [left, top] = [Math.round(box.x), Math.round(box.y)];
  const [right, bottom] = [Math.round(box.x + box.width), Math.round(box.y + box.height)];
  fill(picture, [left, top, right, Math.min(top + line, bottom)], colour);
  fill(picture, [left, Math.max(bottom - line, top), right, bottom], colour);
  fill(picture, [left, top, Math.min(left + line, right), bottom], colour);
  fill(picture, [Math.max(right - line, left), top, right, bottom], colour);
}

function fill(
  { pixels, width, height }: Picture,
  [left, top, right, bottom]: readonly [number, number, number, number],
  colour: readonly number[],
): void {
  for (let y = Math.max(0, top); y < Math.min(bottom, height); y++) {
    for (let x = Math.max(0, left); x < Math.min(right, width); x++) pixels.set(colour, (y * width + x) * 3);
  }
}

function toRgb(colour: string): [number, number, number] {
  const value = Number.parseInt(colour.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

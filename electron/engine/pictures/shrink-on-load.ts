/** Pixels, upright. */
export interface PictureSize {
  width: number;
  height: number;
}

/** Smaller pictures are decoded in full: what could be saved are a few milliseconds. */
const FEWEST_PIXELS = 4e6;

/**
 * The factors that a JPEG is shrunk by inside its decoder, largest first. By 2 nothing is gained: what the decoder
 * saves, the resize behind it spends.
 */
const FACTORS = [8, 4];

/**
 * So many pixels of the model's `resize` are left of the shorter side by the decoder. Measured on mosaics of
 * photographs of 10 to 48 megapixels, resize 256: the crop that the model sees differs from that of full decoding by
 * 0.32 to 0.64 grey levels on average and by 18 at most. A factor of 2 would make it 1.1 and 26.
 */
const SAFETY = 2.75;

/**
 * sharp shrinks inside the decoder only when a resize remains to be done: with a total of 5 it takes 4 of it, with 9 it
 * takes 8. A bit above, so that rounding to whole pixels cannot fall below.
 */
const ABOVE_FACTOR = 1.05;

/**
 * The decoder's last row and column stand for `factor` of the picture's, although fewer may be left for them. All others
 * are moved by that; as far as this, in pixels of the resized picture, they may be.
 */
const FARTHEST_SHIFT = 0.05;

/**
 * The size that a JPEG may be decoded at when the model wants its shorter side resized to `resize`; undefined when it
 * must be decoded in full. Resizing from there gives a picture of the same size as resizing from the full one.
 */
export function shrunkSize(full: PictureSize, resize: number): PictureSize | undefined {
  const [shorter, longer] = [Math.min(full.width, full.height), Math.max(full.width, full.height)];
  const overhang = (side: number, factor: number) => Math.ceil(side / factor) * factor - side;
  const factor = FACTORS.find(
    (candidate) =>
      shorter / candidate >= SAFETY * resize &&
      Math.max(overhang(shorter, candidate), overhang(longer, candidate)) * resize <=
        FARTHEST_SHIFT * shorter,
  );
  if (factor === undefined || shorter * longer < FEWEST_PIXELS) return undefined;
  return sizeOf(full, Math.round(shorter / (factor + ABOVE_FACTOR)), resize);
}

/** Bytes that a decoded picture may have. */
const DECODED_BYTES = 120e6; // 40 megapixels of RGB

/**
 * The size that a picture is shrunk to while it is decoded, for its rows never to lie in memory all at once: by the
 * smallest whole number that leaves as many bytes as are allowed, whatever the model wants. Undefined for a picture that
 * may be decoded in full.
 */
export function fittingSize(
  full: PictureSize,
  resize: number,
  bytesPerPixel: number,
): PictureSize | undefined {
  const bytes = full.width * full.height * bytesPerPixel;
  if (bytes <= DECODED_BYTES) return undefined;
  const factor = Math.ceil(Math.sqrt(bytes / DECODED_BYTES));
  return sizeOf(full, Math.max(1, Math.round(Math.min(full.width, full.height) / factor)), resize);
}

/** A smaller size of the same shape, from which `resize` gives a picture of the same size as from the full one. */
function sizeOf(full: PictureSize, shrunkShorter: number, resize: number): PictureSize {
  const [shorter, longer] = [Math.min(full.width, full.height), Math.max(full.width, full.height)];
  const nearest = Math.round((longer * shrunkShorter) / shorter);
  const shrunkLonger = Number.isFinite(resize) ? keptLonger(shorter, longer, shrunkShorter, resize) : nearest;
  return full.width < full.height
    ? { width: shrunkShorter, height: shrunkLonger }
    : { width: shrunkLonger, height: shrunkShorter };
}

function keptLonger(shorter: number, longer: number, shrunkShorter: number, resize: number): number {
  const resizedLonger = Math.floor((resize * longer) / shorter);
  // floor(resize x longer / shorter) is the same for these: one column more or less would move the whole crop.
  const least = Math.ceil((resizedLonger * shrunkShorter) / resize);
  const most = Math.ceil(((resizedLonger + 1) * shrunkShorter) / resize) - 1;
  const nearest = Math.round((longer * shrunkShorter) / shorter);
  return Math.min(Math.max(nearest, least), most);
}

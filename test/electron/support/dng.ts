/** A RAW file as a camera would write it: a small mosaic of a sensor, and perhaps the JPEG that the camera made of it. */
export interface DngParts {
  preview?: Buffer | undefined; // JPEG
  previewSize?: { width: number; height: number };
  orientation?: number; // as EXIF numbers them
  takenAt?: string; // YYYY:MM:DD HH:MM:SS
}

const [BYTE, ASCII, SHORT, LONG] = [1, 2, 3, 4];
const SIZES: Record<number, number> = { [BYTE]: 1, [ASCII]: 1, [SHORT]: 2, [LONG]: 4 };
const SENSOR = { width: 64, height: 48 };

type Entry = [tag: number, type: number, values: number[] | string];

/** A DNG with an uncompressed mosaic; the preview lies in a directory of its own. */
export function dng({
  preview,
  previewSize,
  orientation = 1,
  takenAt = '2023:04:05 06:07:08',
}: DngParts): Buffer {
  const mosaic = Buffer.alloc(SENSOR.width * SENSOR.height * 2, 7);
  const parts: Buffer[] = [Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0])];
  const put = (bytes: Buffer): number => {
    const offset = parts.reduce((sum, { length }) => sum + length, 0);
    parts.push(bytes, Buffer.alloc(bytes.length % 2));
    return offset;
  };
  const mosaicAt = put(mosaic);
  const exifAt = putDirectory(put, [[36867, ASCII, `${takenAt}\0`]]);
  const previewAt =
    preview === undefined
      ? undefined
      : putDirectory(put, [
          ...image(previewSize ?? SENSOR, 1),
          [258, SHORT, [8, 8, 8]],
          ...([
            [259, SHORT, [7]],
            [262, SHORT, [6]],
            [273, LONG, [put(preview)]],
            [277, SHORT, [3]],
          ] as Entry[]),
          [279, LONG, [preview.length]],
        ]);
  const main = putDirectory(put, [
    ...image(SENSOR, 0),
    ...([
      [258, SHORT, [16]],
      [259, SHORT, [1]],
      [262, SHORT, [32803]],
    ] as Entry[]),
    ...([
      [271, ASCII, 'Winnow\0'],
      [272, ASCII, 'Test\0'],
      [273, LONG, [mosaicAt]],
    ] as Entry[]),
    ...([
      [274, SHORT, [orientation]],
      [277, SHORT, [1]],
      [278, LONG, [SENSOR.height]],
    ] as Entry[]),
    [279, LONG, [mosaic.length]],
    ...(previewAt === undefined ? [] : [[330, LONG, [previewAt]] as Entry]),
    ...([
      [33421, SHORT, [2, 2]],
      [33422, BYTE, [0, 1, 1, 2]],
      [34665, LONG, [exifAt]],
    ] as Entry[]),
    ...([
      [50706, BYTE, [1, 4, 0, 0]],
      [50708, ASCII, 'Winnow Test\0'],
    ] as Entry[]),
  ]);
  const file = Buffer.concat(parts);
  file.writeUInt32LE(main, 4);
  return file;
}

function image({ width, height }: { width: number; height: number }, kind: number): Entry[] {
  return [
    [254, LONG, [kind]],
    [256, LONG, [width]],
    [257, LONG, [height]],
  ];
}

/** Writes a directory behind the values that do not fit into it; gives its offset. */
function putDirectory(put: (bytes: Buffer) => number, entries: Entry[]): number {
  const directory = Buffer.alloc(2 + entries.length * 12 + 4);
  directory.writeUInt16LE(entries.length, 0);
  for (const [index, [tag, type, values]] of entries.entries()) {
    const bytes = encode(type, values);
    const at = 2 + index * 12;
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(type, at + 2);
    directory.writeUInt32LE(values.length, at + 4);
    if (bytes.length <= 4) bytes.copy(directory, at + 8);
    else directory.writeUInt32LE(put(bytes), at + 8);
  }
  return put(directory);
}

function encode(type: number, values: number[] | string): Buffer {
  if (typeof values === 'string') return Buffer.from(values, 'latin1');
  const size = SIZES[type] ?? 1;
  const bytes = Buffer.alloc(values.length * size);
  for (const [index, value] of values.entries()) bytes.writeUIntLE(value, index * size, size);
  return bytes;
}

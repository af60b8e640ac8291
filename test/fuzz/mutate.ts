import { seededRandom } from '../electron/core/random.ts';

/** Random numbers and what is made of them. */
export type Random = (limit: number) => number;

/** A generator for one round of a seed, so that a round can be repeated without those before it. */
export function randomOf(seed: number, round: number): Random {
  return seededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(round + 1, 0x85ebca6b));
}

/** Numbers at which readers go wrong, as bytes. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** JSON that readers do not expect in the place of what they do. */
const JSON_PIECES = [
  'null',
  'true',
  '-1',
  '0',
  '0.5',
  '1e308',
  '1e999',
  '-0',
  '9007199254740993',
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '[]',
  '{}',
  '[[]]',
  '{"__proto__":{"a":1}}',
  '"__proto__"',
  '"constructor"',
  '{"$bytes":"AA="}',
  '"\\u202e"',
  '['.repeat(40),
  '{"a":'.repeat(40),
  '"' + 'x'.repeat(3000) + '"',
  '1,'.repeat(500) + '1',
  ']',
  '}',
  ',',
  ':',
];

/** One to four changes of bytes: flipped, cut out, doubled, put in, taken from another seed, or the end cut off. */
export function mutateBytes(bytes: Uint8Array, seeds: readonly Uint8Array[], random: Random): Uint8Array {
  let made: Buffer = Buffer.from(bytes);
  for (let change = random(4); change >= 0; change--) made = changeBytes(made, seeds, random);
  return made;
}

function changeBytes(bytes: Buffer, seeds: readonly Uint8Array[], random: Random): Buffer {
  if (bytes.length === 0) return Buffer.from([random(256)]);
  const at = random(bytes.length);
  const end = Math.min(bytes.length, at + 1 + random(64));
  switch (random(8)) {
    case 0:
    case 1:
      bytes[at] = random(256);
      return bytes;
    case 2:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
      return bytes;
    case 3: {
      const edge = Buffer.alloc(8);
      edge.writeUInt32LE(EDGES[random(EDGES.length)] ?? 0);
      edge.copy(bytes, at, 0, [1, 2, 4, 8][random(4)]);
      return bytes;
    }
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    case 5:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    case 6: {
      const other = seeds[random(seeds.length)] ?? bytes;
      const from = random(other.length);
      return Buffer.concat([bytes.subarray(0, at), other.subarray(from, from + 64), bytes.subarray(end)]);
    }
    default:
      return bytes.subarray(0, at);
  }
}

/** One to four changes of a JSON text: a value becomes another or comes twice, a key goes or changes; or of its bytes. */
export function mutateJson(bytes: Uint8Array, seeds: readonly Uint8Array[], random: Random): Uint8Array {
  if (random(4) === 0) return mutateBytes(bytes, seeds, random);
  let text = Buffer.from(bytes).toString();
  for (let change = random(4); change >= 0; change--) text = changeJson(text, random);
  return Buffer.from(text);
}

/** A string, number or word, or a whole short list or object. */
const JSON_VALUES = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|\[[^[\]]*\]|\{[^{}]*\}/g;

function changeJson(text: string, random: Random): string {
  const values = [...text.matchAll(JSON_VALUES)];
  const chosen = values[random(Math.max(1, values.length))];
  if (chosen === undefined) return JSON_PIECES[random(JSON_PIECES.length)] ?? '';
  const [before, after] = [text.slice(0, chosen.index), text.slice(chosen.index + chosen[0].length)];
  switch (random(4)) {
    case 0:
      return `${before}${values[random(values.length)]?.[0] ?? ''}${after}`;
    case 1:
      return `${before}${chosen[0]},${chosen[0]}${after}`;
    case 2:
      return before + after;
    default:
      return `${before}${JSON_PIECES[random(JSON_PIECES.length)] ?? ''}${after}`;
  }
}

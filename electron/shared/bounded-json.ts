/** What a JSON text may hold at most, so that parsing it takes no more time and memory than is meant for it. */
export interface JsonBounds {
  characters?: number | undefined; // UTF-16 units
  depth: number; // of lists and objects in each other
  containers: number; // lists and objects
  keys: number; // of all objects
  items?: number | undefined; // that follow another, of lists and objects
}

const BYTE_ORDER_MARK = '\ufeff'; // that editors of Windows put in front of a text

/**
 * Parses text that comes from outside, once it is known to keep within bounds; one pass that allocates nothing finds that
 * out. Throws SyntaxError with a sentence for what is no JSON or exceeds a bound.
 */
export function parseBounded(text: string, bounds: JsonBounds): unknown {
  const excess = excessOf(text, bounds);
  if (excess !== undefined) throw new SyntaxError(excess);
  return JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
}

/** Which bound a text exceeds, as a sentence of at most 123 bytes; undefined when none, or when it is no JSON. */
export function excessOf(text: string, bounds: JsonBounds): string | undefined {
  const { characters = Infinity, depth, containers, keys, items = Infinity } = bounds;
  if (text.length > characters) return exceeded('characters', characters);
  let [deep, openings, colons, commas] = [0, 0, 0, 0];
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (sign === '"') at = endOfString(text, at);
    else if (sign === '{' || sign === '[') {
      if (++deep > depth) return exceeded('lists and objects in each other', depth);
      if (++openings > containers) return exceeded('lists and objects', containers);
    } else if (sign === '}' || sign === ']') deep--;
    else if (sign === ':' && ++colons > keys) return exceeded('keys', keys);
    else if (sign === ',' && ++commas > items) return exceeded('items', items);
  }
  return undefined;
}

/** Index of the quotation mark that ends the string which begins at `start`; the text's end when none does. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    at = text.indexOf('"', at);
    if (at === -1) return text.length;
    let slashes = 0;
    while (text[at - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return at;
  }
}

function exceeded(what: string, bound: number): string {
  return `expected JSON with at most ${bound} ${what}, but there are more`;
}

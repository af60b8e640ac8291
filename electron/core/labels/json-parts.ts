import { TokenizerError, TokenParser, TokenParserError, Tokenizer, TokenType } from '@streamparser/json';
import { AppError } from '../../shared/errors.ts';
import { shortened } from '../../shared/shortened.ts';

const DEEPEST = 64; // lists and objects in each other

/**
 * Hands on the parts of a JSON text as they come, so that the whole of it is never in memory. `paths`: of the parts, such as
 * `$.images.*`; `take` hears the name of the list or value below the top, the part, and its index there. Throws BAD_ARGUMENT for
 * what is no JSON.
 */
export async function readJsonParts(
  path: string,
  pieces: AsyncIterable<string>,
  paths: string[],
  take: (list: string, part: unknown, index: number) => void,
): Promise<void> {
  const tokenizer = new Tokenizer();
  const parser = new TokenParser({ paths, keepStack: false });
  let depth = 0;
  tokenizer.onToken = (token) => {
    if (token.token === TokenType.LEFT_BRACE || token.token === TokenType.LEFT_BRACKET) depth++;
    else if (token.token === TokenType.RIGHT_BRACE || token.token === TokenType.RIGHT_BRACKET) depth--;
    if (depth > DEEPEST) throw new TokenizerError(`more than ${DEEPEST} lists and objects lie in each other`);
    parser.write(token);
  };
  parser.onValue = ({ value, key, stack }) => {
    const inList = typeof key === 'number';
    take(String(inList ? stack.at(-1)?.key : key), value, inList ? key : 0);
  };
  let start = '';
  for await (const piece of pieces) {
    if (start.length < PEEK) start += piece.slice(0, PEEK);
    if (tokenizer.isEnded && piece.trim() === '') continue;
    attempt(path, start, () => tokenizer.write(piece));
  }
  attempt(path, start, () => {
    if (!tokenizer.isEnded) tokenizer.end();
    if (!parser.isEnded) throw new TokenParserError('it ends too early');
  });
}

const PEEK = 40; // characters

function attempt(path: string, start: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof TokenizerError || error instanceof TokenParserError)) throw error;
    throw new AppError(
      'BAD_ARGUMENT',
      `Expected JSON in ${path}, but it is none: ${reasonOf(error.message)}`,
      hintOf(error.message, start),
    );
  }
}

/** The parser's message without the names of its states; positions are in bytes of UTF-8, from 0. */
function reasonOf(message: string): string {
  if (/ended in/.test(message)) return 'it ends too early';
  const [, found] = /^Unexpected "(.)" at /su.exec(message) ?? [];
  const place = [...message.matchAll(/position "(\d+)"/g)].at(-1)?.[1];
  if (found === undefined || place === undefined) return shortened(message.replaceAll(/\s+/g, ' '));
  return `${JSON.stringify(found)} at byte ${place} does not belong there`;
}

function hintOf(message: string, start: string): string {
  if (start.trim() === '') return 'The file is empty.';
  if (/^Unexpected "[NI]"/.test(message))
    return 'NaN and Infinity, which Python writes for some numbers, are no JSON: take them out of the file.';
  return `It begins with ${JSON.stringify(start.slice(0, PEEK))}.`;
}

import { LARGEST_FILE, LONGEST_DECODING } from '../../../electron/shared/picture-problem.ts';
import type { PictureProblem } from '../../../electron/shared/picture-problem.ts';
import type { Translate } from './messages.ts';

/** What was wrong with a picture, as the core reports it. */
interface Told {
  error?: string | undefined; // in English
  warning?: string | undefined;
  problem: PictureProblem | undefined;
}

/** What was wrong with a picture, in the window's language; in English where there is no code. */
export function problemText({ error, warning, problem }: Told, t: Translate): string | undefined {
  if (problem === undefined) return error ?? warning;
  const limits = { gibibytes: LARGEST_FILE / 1024 ** 3, seconds: LONGEST_DECODING };
  return t(`problem.${problem.code}`, limits);
}

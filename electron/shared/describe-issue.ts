import type { z } from 'zod';
import { shortJson } from './shortened.ts';

/** What a schema says of a value, in short: Zod's own sentence about keys that it does not know names all of them, whole. */
export function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return issue.message;
  const others = issue.keys.length - 1;
  const more = others === 0 ? '' : `, and ${others} others that are not known`;
  return `there must be no key ${shortJson(issue.keys[0])}${more}`;
}

import type { KeyBinding } from '../../lib/keys.svelte.ts';
import type { Reviewer } from './reviewer.svelte.ts';

/** Keys of the review, wherever images are selected. */
export function reviewKeys(reviewer: Reviewer, searchClasses: () => void): KeyBinding[] {
  const when = () => reviewer.targets.length > 0;
  return [
    { keys: ['Enter'], label: 'review.key.accept', run: () => void reviewer.accept(), when, hint: true },
    { keys: ['/', 'r'], label: 'review.key.search', run: searchClasses, when, hint: true },
    {
      keys: ['1', '2', '3', '4', '5'],
      label: 'review.key.choose',
      run: ({ key }) => void reviewer.choose(Number(key)),
      when: () => reviewer.targets.length === 1,
      hint: true,
    },
    { keys: ['Delete', 'Backspace'], label: 'review.key.clear', run: () => void reviewer.clear(), when },
  ];
}

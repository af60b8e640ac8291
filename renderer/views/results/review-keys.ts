import type { KeyBinding } from '../../lib/keys/keys.svelte.ts';
import type { Found } from '../image/found.svelte.ts';
import type { Reviewer } from './reviewer.svelte.ts';

/** Keys of the review, wherever images are selected; while a box is selected, the keys of boxes apply. */
export function reviewKeys(reviewer: Reviewer, found: Found, searchClasses: () => void): KeyBinding[] {
  const hasTargets = () => reviewer.targets.length > 0;
  const when = () => hasTargets() && !found.isBoxMeant;
  return [
    {
      keys: ['Enter'],
      label: 'review.key.accept',
      run: () => void reviewer.accept(),
      when: hasTargets,
      hint: true,
    },
    { keys: ['/', 'r'], label: 'review.key.search', run: searchClasses, when, hint: true },
    {
      keys: ['1', '2', '3', '4', '5'],
      label: 'review.key.choose',
      run: ({ key }) => void reviewer.choose(Number(key)),
      when: () => reviewer.targets.length === 1 && !found.isBoxMeant,
      hint: true,
    },
    {
      keys: ['s'],
      label: 'review.key.suggestion',
      run: () => void reviewer.takeSuggestion(),
      when: () => reviewer.targets.length === 1 && !found.isBoxMeant && found.suggestion !== undefined,
      hint: true,
    },
    { keys: ['Delete', 'Backspace'], label: 'review.key.clear', run: () => void reviewer.clear(), when },
  ];
}

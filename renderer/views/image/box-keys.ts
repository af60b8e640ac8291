import { history } from '../../lib/state/history.svelte.ts';
import type { KeyBinding } from '../../lib/keys/keys.svelte.ts';
import { moveBox, resizeBox } from './boxes.ts';
import type { Found } from './found.svelte.ts';
import type { Size } from './zoom.ts';

export interface BoxKeyParts {
  picture: () => Size | undefined;
  /** Starts drawing a box; called again, puts one in the middle. */
  onAdd: () => void;
  /** Focuses the field for the class of a box. */
  onClassify: () => void;
}

const FAR = 10; // pixels of the picture per key press with Shift, instead of 1

const arrows = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'];
const withKey = (modifier: string) => arrows.map((key) => `${modifier}+${key}`);

/** Keys for the boxes of a large image: they do everything that the mouse does. */
export function boxKeys(found: Found, { picture, onAdd, onClassify }: BoxKeyParts): KeyBinding[] {
  const isSelected = () => found.isDetection && found.current !== undefined;
  const isDrawing = () => found.isDetection && found.isDrawing;

  function shift({ key, shiftKey }: KeyboardEvent): { x: number; y: number } {
    const length = shiftKey ? FAR : 1;
    return {
      x: key === 'ArrowLeft' ? -length : key === 'ArrowRight' ? length : 0,
      y: key === 'ArrowUp' ? -length : key === 'ArrowDown' ? length : 0,
    };
  }

  function change(event: KeyboardEvent, how: 'move' | 'resize'): void {
    const [box, size] = [found.current, picture()];
    if (box === undefined || size === undefined) return;
    const by = shift(event);
    found.nudge(how === 'move' ? moveBox(box, by, size) : resizeBox(box, 'se', by, size));
  }

  return [
    {
      keys: [...arrows, ...withKey('Shift')],
      label: 'boxes.key.move',
      run: (event) => change(event, 'move'),
      when: isSelected,
      hint: true,
    },
    {
      keys: [...withKey('$mod'), ...withKey('$mod+Shift')],
      label: 'boxes.key.resize',
      run: (event) => change(event, 'resize'),
      when: isSelected,
      hint: true,
    },
    { keys: ['Delete', 'Backspace'], label: 'boxes.key.delete', run: () => found.remove(), when: isSelected },
    { keys: ['/', 'r'], label: 'boxes.key.relabel', run: onClassify, when: isSelected, hint: true },
    {
      keys: ['1', '2', '3', '4', '5'],
      label: 'boxes.class',
      run: ({ key }) => {
        const label = found.details?.top[Number(key) - 1]?.label;
        if (label !== undefined) found.relabel(label);
      },
      when: isSelected,
    },
    {
      keys: ['.'],
      label: 'boxes.key.next',
      run: () => found.step(1),
      when: () => found.isDetection,
      hint: true,
    },
    { keys: [','], label: 'boxes.key.previous', run: () => found.step(-1), when: () => found.isDetection },
    {
      keys: ['b'],
      label: found.isDrawing ? 'boxes.key.middle' : 'boxes.add',
      run: onAdd,
      when: () => found.isDetection,
      hint: true,
    },
    {
      keys: ['Escape'],
      label: 'boxes.key.none',
      run: () => {
        if (found.isDrawing || found.draft !== undefined) [found.isDrawing, found.draft] = [false, undefined];
        else found.selected = undefined;
      },
      when: () => isSelected() || isDrawing() || found.draft !== undefined,
    },
    {
      keys: ['$mod+z'],
      label: 'keys.undo',
      run: () => void found.flush().then(() => history.undo()),
      when: () => found.isUnsaved,
    },
  ];
}

import { basename } from 'node:path';

const NAMES = new Set([
  'classes.txt',
  'classes.csv',
  'labels.txt',
  'flags.txt',
  'obj.names',
  'obj.data',
  '_darknet.labels',
  'predefined_classes.txt',
  'notes.json',
  'train.txt',
  'trainval.txt',
  'val.txt',
  'valid.txt',
  'test.txt',
  'notes.txt',
  'requirements.txt',
]);

/** Whether a file that lies with labels has none itself: lists of classes and of pictures, and what is there to be read. */
export function isSideFile(path: string): boolean {
  const name = basename(path).toLowerCase();
  return NAMES.has(name) || /^(readme|licen[cs]e)/.test(name);
}

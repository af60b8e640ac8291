import { router } from '../address/router.svelte.ts';
import { isModelFile } from './model-file.ts';

/** Takes what was dropped on the window: a model's file leads to where it is imported, all else goes to `others`. */
export function takeDropped(paths: string[], others: (paths: string[]) => void): void {
  const [model] = paths.filter(isModelFile);
  if (model === undefined) others(paths);
  else router.go('/models/get', { file: model });
}

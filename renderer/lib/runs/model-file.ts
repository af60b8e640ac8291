/** Whether a path is that of a checkpoint or of a model package, by its ending. */
export function isModelFile(path: string): boolean {
  return /\.(pth|pt|safetensors)$/i.test(path);
}

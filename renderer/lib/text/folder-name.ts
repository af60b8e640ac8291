/** The last part of a folder's path, in which either separator may stand; of a root, which has none, all of it. */
export function folderName(path: string): string {
  return (
    path
      .replace(/[\\/]+$/, '')
      .split(/[\\/]/)
      .at(-1) || path
  );
}

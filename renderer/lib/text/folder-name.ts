/** The last part of a folder's path, with either separator (/ or \); the whole path of a root, which has no name. */
export function folderName(path: string): string {
  return (
    path
      .replace(/[\\/]+$/, '')
      .split(/[\\/]/)
      .at(-1) || path
  );
}

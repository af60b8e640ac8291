/** A place in the window, as the hash of the address names it: `#/runs/3/results?label=fox`. */
export interface Route {
  path: string; // without the query, such as /runs/3/results
  query: Record<string, string>;
}

export function parseHash(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2);
  return { path: path === '' ? '/' : path, query: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a path, for links and for navigation. */
export function toHash(path: string, query: Record<string, string> = {}): string {
  const text = new URLSearchParams(query).toString();
  return `#${path}${text === '' ? '' : `?${text}`}`;
}

/** Values of a pattern's `:names` in a path, or undefined where the path is another: `/runs/:runId` takes `/runs/3`. */
export function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const parts = path.split('/');
  if (wanted.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, name] of wanted.entries()) {
    const part = parts[index] ?? '';
    if (name.startsWith(':')) params[name.slice(1)] = decodeURIComponent(part);
    else if (name !== part) return undefined;
  }
  return params;
}

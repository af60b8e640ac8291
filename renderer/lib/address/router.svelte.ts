import { parseHash, toHash } from './route.ts';
import type { Route } from './route.ts';

class Router {
  route: Route = $state.raw(parseHash(window.location.hash));
  /** Whether the person has gone to another view since the window opened: from then on a view's title is focused. */
  hasNavigated = $state(false);

  constructor() {
    window.addEventListener('hashchange', () => {
      this.hasNavigated = true;
      this.route = parseHash(window.location.hash);
    });
  }

  /** Goes to a path; Back leads to the present one. */
  go(path: string, query: Record<string, string> = {}): void {
    const hash = toHash(path, query);
    if (hash === window.location.hash) return;
    window.history.pushState(null, '', hash);
    this.hasNavigated = true;
    this.route = parseHash(hash);
  }

  /** Goes to a path that takes the present one's entry in the history. */
  replace(path: string, query: Record<string, string> = {}): void {
    window.history.replaceState(null, '', toHash(path, query));
    this.route = parseHash(window.location.hash);
  }
}

export const router = new Router();

import { parseHash, toHash } from './route.ts';
import type { Route } from './route.ts';

class Router {
  route: Route = $state.raw(parseHash(window.location.hash));
  /** Whether the person has gone anywhere since the window opened: the focus follows then. */
  hasNavigated = $state(false);

  constructor() {
    window.addEventListener('hashchange', () => {
      this.hasNavigated = true;
      this.route = parseHash(window.location.hash);
    });
  }

  /** Goes to a path, leaving the present one behind Back. */
  go(path: string, query: Record<string, string> = {}): void {
    const hash = toHash(path, query);
    if (hash === window.location.hash) return;
    window.history.pushState(null, '', hash);
    this.hasNavigated = true;
    this.route = parseHash(hash);
  }

  /** Goes to a path in the place of the present one. */
  replace(path: string, query: Record<string, string> = {}): void {
    window.history.replaceState(null, '', toHash(path, query));
    this.route = parseHash(window.location.hash);
  }
}

export const router = new Router();

import { protocol } from 'electron';
import type { PictureSource } from '../core/pictures/picture-source.ts';
import { isPicture, refusal, WindowRoutes } from '../serve/window-routes.ts';

/** The window's origin. */
const SCHEME = 'winnow';
export const ORIGIN = `${SCHEME}://app`;
export const WINDOW_URL = `${ORIGIN}/index.html`;

/** Makes winnow://app/ an origin like that of a secure site. Before the app is ready. */
export function setupScheme(): void {
  const privileges = { standard: true, secure: true, supportFetchAPI: true, stream: true };
  protocol.registerSchemesAsPrivileged([{ scheme: SCHEME, privileges }]);
}

/**
 * Answers what the window loads, by the rules of `winnow serve`; pictures, which the library and the engine are needed for,
 * once `checked` says that the installation is whole.
 */
export function setupProtocol(windowFolder: string, pictures: PictureSource, checked: Promise<void>): void {
  const routes = new WindowRoutes(windowFolder, pictures);
  protocol.handle(SCHEME, async (request) => {
    const url = URL.parse(request.url);
    if (url?.host !== 'app' || request.method !== 'GET')
      return refusal(403, 'Winnow shows its own pages only');
    if (isPicture(url.pathname)) await checked;
    const ifNoneMatch = request.headers.get('if-none-match') ?? undefined;
    return routes.respond({ pathname: url.pathname, ifNoneMatch, signal: request.signal });
  });
}

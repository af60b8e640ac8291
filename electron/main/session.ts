import { app, session } from 'electron';
import type { Session } from 'electron';
import { ORIGIN } from './scheme.ts';

/** What a page may load; `blob:` and `data:` hold what it made itself. */
const OWN = [`${ORIGIN}/`, `blob:${ORIGIN}/`, 'data:'];

/**
 * Chromium does things of its own accord for which it asks the network. It gets no name resolved, so that nothing leaves
 * this computer even if one of these switches were renamed. Before the app is ready.
 */
export function setupNoNetwork(): void {
  app.commandLine.appendSwitch('host-resolver-rules', 'MAP * ~NOTFOUND');
  app.commandLine.appendSwitch('no-proxy-server');
  app.commandLine.appendSwitch('disable-background-networking');
  app.commandLine.appendSwitch('disable-component-update');
  app.commandLine.appendSwitch('disable-domain-reliability');
  app.commandLine.appendSwitch('no-pings');
}

/** Refuses every permission and every request that does not stay in the window's origin. */
export function setupSession(of: Session = session.defaultSession): void {
  of.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  of.setPermissionCheckHandler(() => false);
  of.setDevicePermissionHandler(() => false);
  of.setSpellCheckerEnabled(false); // its dictionaries come from the network
  of.webRequest.onBeforeRequest(({ url }, answer) => answer({ cancel: !isOwn(url) }));
  of.on('will-download', (event) => event.preventDefault());
}

function isOwn(url: string): boolean {
  const isTools = !app.isPackaged && url.startsWith('devtools://');
  return isTools || OWN.some((start) => url.startsWith(start));
}

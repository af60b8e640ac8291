import { session } from 'electron';
import type { Session } from 'electron';
import type { ProxyFor } from '../core/download/exchange.ts';
import { firstProxy } from '../core/download/proxies.ts';
import { setupSession } from './session.ts';

/**
 * The proxy that the system names for an address. A session of its own is asked, which may load as little as the page's and
 * loads nothing: the page's knows no proxies, and keeps its request filter.
 */
export function systemProxy(): ProxyFor {
  let asking: Promise<Session> | undefined;
  return async (address) => {
    asking ??= proxySession();
    return firstProxy(await (await asking).resolveProxy(address.href));
  };
}

async function proxySession(): Promise<Session> {
  const of = session.fromPartition('system-proxy'); // kept in memory
  setupSession(of);
  await of.setProxy({ mode: 'system' });
  return of;
}

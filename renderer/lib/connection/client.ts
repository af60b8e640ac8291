import type { AppApi, AppArguments, AppCall } from '../../../electron/shared/app-api.ts';
import { AppError } from '../../../electron/shared/errors.ts';
import type { WindowBridge } from '../../../electron/shared/window-bridge.ts';

/** AppApi over a bridge: every call by its name. A call that fails rejects with an AppError. */
export function createClient(bridge: WindowBridge): AppApi {
  const calls = new Map<string, unknown>([
    ['subscribe', (listener: Parameters<AppApi['subscribe']>[0]) => bridge.subscribe(listener)],
  ]);
  return new Proxy({} as AppApi, {
    get(_target, name) {
      // A promise that resolves to the client reads `then`; debuggers read symbols.
      if (typeof name !== 'string' || name === 'then') return undefined;
      const call = calls.get(name) ?? caller(bridge, name as AppCall);
      calls.set(name, call);
      return call;
    },
  });
}

function caller<Call extends AppCall>(bridge: WindowBridge, name: Call) {
  return async (request: AppArguments<Call>) => {
    const answer = await bridge.call(name, request);
    // JSON leaves out a value that is undefined.
    if (!('error' in answer)) return answer.value;
    const { code, message, hint } = answer.error;
    throw new AppError(code, message, hint);
  };
}

import { appApiArguments } from '../shared/app-api.ts';
import type { AppApi, AppCall } from '../shared/app-api.ts';
import { shortJson } from '../shared/shortened.ts';
import { AppError } from '../shared/errors.ts';
import { terminalText } from '../shared/terminal-text.ts';
import type { WireError } from '../shared/wire.ts';

/**
 * Makes a call that came from a window. Only the calls of AppApi can be made, whatever `name` is; their arguments are
 * checked by the app.
 */
export async function answerCall(
  app: AppApi,
  name: unknown,
  request: unknown,
): Promise<{ value: unknown } | { error: WireError }> {
  try {
    if (!isCall(name)) throw new AppError('BAD_ARGUMENT', `Winnow has no call ${shortJson(name)}`);
    const call = app[name] as (request: unknown) => Promise<unknown>;
    return { value: await call(request) };
  } catch (error) {
    return { error: toWireError(error) };
  }
}

function isCall(name: unknown): name is AppCall {
  return typeof name === 'string' && Object.hasOwn(appApiArguments, name);
}

function toWireError(error: unknown): WireError {
  if (error instanceof AppError) return { code: error.code, message: error.message, hint: error.hint };
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    terminalText(`winnow: ${error instanceof Error ? (error.stack ?? message) : message}\n`),
  );
  return { code: 'ENGINE', message: `This is a mistake in Winnow: ${message}` };
}

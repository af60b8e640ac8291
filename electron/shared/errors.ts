/**
 * Every way in which a call can fail for a reason that a person can act on, and where it is first found: in native code, in
 * the host process around it, in the app or in the window. What one finds, those behind it pass on.
 */
const FOUND_IN = {
  BAD_ARGUMENT: 'native', // the caller asked for something that does not exist or is out of range
  BAD_CHECKPOINT: 'app', // a .pth file that cannot or must not be imported
  BAD_MODEL: 'native', // a model package that is damaged or contradicts itself
  BAD_IMAGE: 'host', // one image file that cannot be read
  TOO_FEW_PICTURES: 'app', // a class of a training has too few pictures; the training can do without it
  NOT_FOUND: 'host', // a run, model, folder or file that is not there
  LIBRARY: 'app', // the SQLite library is locked, damaged or from a newer version
  ENGINE: 'native', // the engine host or the device failed
  OUT_OF_MEMORY: 'native', // a device has too little memory for a model or a batch
  DEVICE_LOST: 'native', // a device, or the engine host's use of it, is at an end
  DIVERGED: 'native', // the loss or the weights of a training are not finite any more
  NETWORK: 'app', // another computer cannot be reached, or does not give what it should
  CONNECTION: 'window', // the window lost the process that does the work
  DISK_FULL: 'native', // a file cannot be written for want of room
  FILE_SYSTEM: 'native', // a file or folder that cannot be written, or not be read, for any other reason
  FILE_EXISTS: 'app', // a file is there that is replaced only when the person says so
  CANCELLED: 'native',
} as const;

export type ErrorCode = keyof typeof FOUND_IN;

type CodesFoundIn<Place> = {
  [Code in ErrorCode]: (typeof FOUND_IN)[Code] extends Place ? Code : never;
}[ErrorCode];

/** What native code answers with: WINNOW_ERROR_CODES of native/ops/result.h. */
export type NativeErrorCode = CodesFoundIn<'native'>;

/** What a host process answers with. */
export type HostErrorCode = CodesFoundIn<'native' | 'host'>;

export const ERROR_CODES = Object.keys(FOUND_IN) as readonly ErrorCode[];

export const NATIVE_ERROR_CODES = ERROR_CODES.filter((code) => FOUND_IN[code] === 'native');

export function isHostErrorCode(code: unknown): code is HostErrorCode {
  if (typeof code !== 'string' || !Object.hasOwn(FOUND_IN, code)) return false;
  const place = FOUND_IN[code as ErrorCode];
  return place === 'native' || place === 'host';
}

/**
 * The one error type that crosses a process. `message` is one sentence: what was expected, what came.
 * `hint` says what to do about it.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AppError';
    this.code = code;
    this.hint = hint;
  }
}

/** Whether an error has a code: one of the system (`ENOENT`), of SQLite, or an AppError. */
export function hasCode(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}

/** `ENOENT` and the like; undefined for what has no code. */
export function codeOf(error: unknown): string | undefined {
  return hasCode(error) ? error.code : undefined;
}

/** Whether the system says that nothing has this path. */
export function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

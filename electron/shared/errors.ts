/** Every way in which a call can fail for a reason that a person can act on. */
export type ErrorCode =
  | 'BAD_ARGUMENT' // the caller asked for something that does not exist or is out of range
  | 'BAD_CHECKPOINT' // a .pth file that cannot or must not be imported
  | 'BAD_MODEL' // a model package that is damaged or contradicts itself
  | 'BAD_IMAGE' // one image file that cannot be read
  | 'TOO_FEW_PICTURES' // a class of a training has too few pictures; the training can do without it
  | 'NOT_FOUND' // a run, model, folder or file that is not there
  | 'LIBRARY' // the SQLite library is locked, damaged, full or from a newer version
  | 'ENGINE' // the engine host or the device failed
  | 'OUT_OF_MEMORY' // a device has too little memory for a model or a batch
  | 'DEVICE_LOST' // a device, or the engine host's use of it, is at an end
  | 'CONNECTION' // the window lost the process that does the work
  | 'FILE_SYSTEM' // a file that Winnow writes cannot be written
  | 'FILE_EXISTS' // a file is there that is replaced only when the person says so
  | 'CANCELLED';

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

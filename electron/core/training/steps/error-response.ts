import type { ErrorCode } from '../../../shared/errors.ts';

/**
 * What an error means for the training that meets it.
 * pause: nothing is lost, and it can go on when the reason is gone. repeat: go on from the last saved state, unless that was
 * tried before. end: nothing better will come, so keep the best epoch. fail: no state would help.
 */
export type ErrorResponse = 'pause' | 'repeat' | 'end' | 'fail';

export const errorResponse: Readonly<Record<ErrorCode, ErrorResponse>> = {
  CANCELLED: 'pause',
  DISK_FULL: 'pause',
  FILE_SYSTEM: 'pause',
  NOT_FOUND: 'pause', // the parent's package, or the pictures of the hold-out
  ENGINE: 'repeat',
  DIVERGED: 'end',
  BAD_ARGUMENT: 'fail',
  BAD_CHECKPOINT: 'fail',
  BAD_MODEL: 'fail',
  BAD_IMAGE: 'fail',
  LIBRARY: 'fail',
  TOO_FEW_PICTURES: 'fail',
  FILE_EXISTS: 'fail',
  OUT_OF_MEMORY: 'fail',
  DEVICE_LOST: 'fail',
  NETWORK: 'fail',
  CONNECTION: 'fail',
};

import { constants } from 'node:fs';

// Windows has neither pipes in its folders nor these flags, which are undefined there and count as 0.

/**
 * Opens for reading what may be anything: a pipe would wait for its writer, and with these flags does not. Whoever opens
 * looks whether it is a regular file.
 */
export const READ_WITHOUT_WAITING = constants.O_RDONLY | constants.O_NONBLOCK;

/** The same, and fails for a symbolic link. */
export const READ_NO_LINK = READ_WITHOUT_WAITING | constants.O_NOFOLLOW;

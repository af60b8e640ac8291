/** Of folders that Winnow makes for what is the person's own. */
export const PRIVATE_FOLDER = { recursive: true, mode: 0o700 } as const;

/** Mode of the library and its backups. */
export const PRIVATE_FILE = 0o600;

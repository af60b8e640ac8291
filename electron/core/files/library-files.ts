/** Marks a SQLite file as a Winnow library ("WNNW"). */
export const APPLICATION_ID = 0x574e4e57;

/** What SQLite and Winnow put beside a library, behind its name. */
export const LIBRARY_ENDINGS = ['-wal', '-shm', '-journal', '-writer'] as const;

const MAGIC = 'SQLite format 3\0';
const APPLICATION_ID_AT = 68; // bytes; see the database header in SQLite's file format

const VERSION_AT = 60;

/** The version of the library that starts with these bytes: how many migrations were done; undefined for another file. */
export function versionInHeader(head: Buffer): number | undefined {
  return isLibraryHeader(head) ? head.readUInt32BE(VERSION_AT) : undefined;
}

/** Whether a file that starts with these bytes is a Winnow library or a backup of one. */
export function isLibraryHeader(head: Buffer): boolean {
  return (
    head.length >= APPLICATION_ID_AT + 4 &&
    head.toString('latin1', 0, MAGIC.length) === MAGIC &&
    head.readUInt32BE(APPLICATION_ID_AT) === APPLICATION_ID
  );
}

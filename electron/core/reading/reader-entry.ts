import { join } from 'node:path';

/** What threads that work on a library run. They cannot look into the archive of a package; what they are lies unpacked beside it. */
export const readerEntry = join(import.meta.dirname, '..', 'library-reader.ts').replace(
  /app\.asar(?=[\\/])/,
  'app.asar.unpacked',
);

import { join } from 'node:path';

/**
 * What threads that work on a library run. They cannot read the app's asar archive, so their files lie unpacked beside it.
 */
export const readerEntry = join(import.meta.dirname, '..', 'library-reader.ts').replace(
  /app\.asar(?=[\\/])/,
  'app.asar.unpacked',
);

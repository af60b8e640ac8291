import type { Database } from 'better-sqlite3';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import type { Label } from '../../shared/model-package.ts';
import { sortedClassNames } from '../models/class-names.ts';
import { APPLICATION_ID } from '../files/library-files.ts';
import { makeSums } from './sums.ts';

const migrationsFolder = join(import.meta.dirname, 'migrations');

export interface Migration {
  version: number;
  name: string;
  sql: string;
}

/** Reads the migrations `NNNN-name.sql` of a folder; their numbers must be 1, 2, 3, ... without a gap. */
export function readMigrations(folder: string = migrationsFolder): Migration[] {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  return names.map((name, index) => {
    const version = Number(/^(\d{4})-/.exec(name)?.[1]);
    if (version !== index + 1) {
      throw new Error(
        `Expected migration ${index + 1} as ${String(index + 1).padStart(4, '0')}-*.sql, found ${name}`,
      );
    }
    return { version, name, sql: readFileSync(join(folder, name), 'utf8') };
  });
}

/**
 * Brings a database to the newest version, each migration in a transaction of its own; the last makes the checksums of all
 * rows anew.
 */
export function migrate(database: Database, path: string, migrations: Migration[] = readMigrations()): void {
  const newest = migrations.length;
  if (currentVersion(database, path, newest) === newest) return;
  database.function('class_names', { deterministic: true }, (manifest) => {
    const { labels = [] } = JSON.parse(String(manifest)) as { labels?: Label[] };
    return JSON.stringify(sortedClassNames(labels));
  });
  const hasSums = migrations.some(({ name }) => name.endsWith('-sums.sql')); // else it is a library of an older Winnow
  for (const migration of migrations) {
    const apply = database.transaction(() => {
      // Asked again inside the transaction: another Winnow may have migrated in the meantime.
      if (currentVersion(database, path, newest) >= migration.version) return;
      database.exec(migration.sql);
      if (migration.version === newest && hasSums) makeSums(database);
      database.pragma(`application_id = ${APPLICATION_ID}`);
      database.pragma(`user_version = ${migration.version}`);
    });
    apply.immediate();
  }
}

/** Throws LIBRARY unless a database is a library, and of no newer Winnow; `path` is the file it lies in. */
export function requireLibrary(database: Database, path: string): void {
  currentVersion(database, path, readMigrations().length);
  if (database.pragma('application_id', { simple: true }) === APPLICATION_ID) return;
  throw new AppError('LIBRARY', `${path} is empty, not a Winnow library`, 'Name another file');
}

function currentVersion(database: Database, path: string, newest: number): number {
  const version = database.pragma('user_version', { simple: true }) as number;
  const application = database.pragma('application_id', { simple: true });
  const tables = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number;
  if (tables > 0 && application !== APPLICATION_ID) {
    throw new AppError(
      'LIBRARY',
      `${path} is a SQLite database of another program, not a Winnow library`,
      'Name another file with --library',
    );
  }
  if (version > newest) {
    throw new AppError(
      'LIBRARY',
      `The library ${path} has version ${version}; this Winnow knows versions up to ${newest}`,
      'Use the newer Winnow that wrote it, or another file with --library',
    );
  }
  return version;
}

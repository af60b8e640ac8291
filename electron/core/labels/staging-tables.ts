import type { FinderPart, LabelledMask } from './label-format.ts';

/** The tables that a file of labels is read into. */
export const STAGING_TABLES = `
  CREATE TABLE entries (
    id       INTEGER PRIMARY KEY,   -- in the order of the file
    key      TEXT NOT NULL UNIQUE,
    name     TEXT NOT NULL,
    is_stem  INTEGER NOT NULL,
    width    INTEGER,
    height   INTEGER,
    failure  TEXT,
    origin   TEXT NOT NULL,         -- where it stands in the file
    image_id INTEGER UNIQUE         -- of the library, once it is found
  );
  CREATE TABLE classes (id TEXT PRIMARY KEY, name TEXT NOT NULL, number INTEGER, sequence INTEGER NOT NULL,
    of_finder INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE labels (key TEXT NOT NULL, class TEXT NOT NULL, score REAL, origin TEXT NOT NULL);
  CREATE TABLE boxes (
    key TEXT NOT NULL, class TEXT NOT NULL, score REAL, x REAL, y REAL, width REAL, height REAL,
    is_share INTEGER NOT NULL, mask TEXT, finder TEXT, origin TEXT NOT NULL
  );
  CREATE TABLE skips (reason TEXT NOT NULL, count INTEGER NOT NULL, example TEXT NOT NULL);
  CREATE TABLE run_classes (label TEXT NOT NULL);
  CREATE TABLE stages (finder TEXT);    -- a row where boxes were found first and then labelled
  CREATE TABLE shown_score (score REAL NOT NULL); -- a row where the file states it; see LabelSink.showsFrom
  CREATE TABLE sizes (image_id INTEGER PRIMARY KEY, width INTEGER, height INTEGER);
  CREATE TABLE outcomes (image_id INTEGER PRIMARY KEY, outcome TEXT NOT NULL);`;

/** An entry of a file, of an image or not. */
export interface Entry {
  id: number;
  key: string;
  name: string;
  isStem: 0 | 1;
  width: number | null;
  height: number | null;
  failure: string | null;
  origin: string;
  imageId: number | null;
}

export interface StagedClass {
  id: string;
  name: string;
  number: number | null; // in its data set
  amount: number; // labels and boxes of it in the file
}

export interface StagedLabel {
  classId: string;
  score: number | null;
  origin: string;
}

export interface StagedBox {
  classId: string;
  score: number | null;
  x: number | null;
  y: number | null;
  width: number | null;
  height: number | null;
  isShare: 0 | 1;
  mask: string | null; // LabelledMask as JSON
  finder: string | null; // FinderPart as JSON
  origin: string;
}

/** What a finder said, as it was kept. */
export function toFinder({ finder }: Pick<StagedBox, 'finder'>): FinderPart | undefined {
  return finder === null ? undefined : (JSON.parse(finder) as FinderPart);
}

/** A mask as it was kept. */
export function toMask({ mask }: Pick<StagedBox, 'mask'>): LabelledMask | undefined {
  return mask === null ? undefined : (JSON.parse(mask) as LabelledMask);
}

-- Folders that were scanned for a run. `scan` counts their scans.
CREATE TABLE folders (
  id   INTEGER PRIMARY KEY,
  path TEXT    NOT NULL UNIQUE,          -- absolute
  scan INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Every image file ever seen. A file was there at the folder's last scan when both `scan` are equal.
CREATE TABLE images (
  id            INTEGER PRIMARY KEY,
  folder_id     INTEGER NOT NULL REFERENCES folders (id) ON DELETE CASCADE,
  relative_path TEXT    NOT NULL,        -- with forward slashes
  file_size     INTEGER NOT NULL,        -- bytes, at the last scan that saw it
  modified_ms   INTEGER NOT NULL,
  width         INTEGER,                 -- of the upright picture, once decoded
  height        INTEGER,
  captured_at   TEXT,                    -- EXIF DateTimeOriginal, ISO 8601 without a zone
  scan          INTEGER NOT NULL,
  UNIQUE (folder_id, relative_path)
) STRICT;

-- Models that runs used, by content, so that a run can be read after its package was removed.
CREATE TABLE models (
  sha256   TEXT PRIMARY KEY,
  name     TEXT NOT NULL,
  path     TEXT NOT NULL,                -- where the package lay when it was last used
  manifest TEXT NOT NULL                 -- JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
  id           INTEGER PRIMARY KEY,
  spec         TEXT NOT NULL,            -- RunSpec as JSON
  spec_key     TEXT NOT NULL UNIQUE,     -- what makes two specs the same run
  model_sha256 TEXT NOT NULL REFERENCES models (sha256),
  state        TEXT NOT NULL CHECK (state IN ('scanning', 'running', 'paused', 'done', 'failed')),
  created_at   TEXT NOT NULL,            -- ISO 8601
  finished_at  TEXT
) STRICT;

-- One row per file of a run. `file_size` and `modified_ms` are the version that the row is about;
-- both are NULL when the file could not be read, so that the next run tries again.
CREATE TABLE results (
  run_id       INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  image_id     INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
  status       TEXT    NOT NULL CHECK (status IN ('pending', 'ok', 'failed')),
  file_size    INTEGER,
  modified_ms  INTEGER,
  class_1      INTEGER,                  -- index of the best class, and so on
  confidence_1 REAL,                     -- softmax, 0 to 1
  class_2      INTEGER,
  confidence_2 REAL,
  class_3      INTEGER,
  confidence_3 REAL,
  class_4      INTEGER,
  confidence_4 REAL,
  class_5      INTEGER,
  confidence_5 REAL,
  directions   BLOB,                     -- receipt: one byte per block, bit 0 forward, bit 1 backward
  survived     BLOB,                     -- receipt: one byte per patch, stages survived
  milliseconds REAL,
  error        TEXT,                     -- one sentence
  PRIMARY KEY (run_id, image_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX results_by_status ON results (run_id, status, image_id);
CREATE INDEX results_by_image ON results (image_id);

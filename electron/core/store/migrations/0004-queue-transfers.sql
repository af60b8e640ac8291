-- Whether a run's folders are to be scanned before it predicts; its state says 'scanning' only while that is done.
ALTER TABLE runs ADD COLUMN scan_due INTEGER NOT NULL DEFAULT 0;
UPDATE runs SET scan_due = 1, state = 'paused' WHERE state = 'scanning';

-- Runs that wait for their turn. A run in here is in the state 'queued', whatever its row says for when it leaves.
CREATE TABLE queue (
  run_id   INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,             -- the smallest is next
  threads  INTEGER,                      -- as asked for; NULL for the default
  batch    INTEGER
) STRICT;

-- Images that were copied or moved into a folder per label. What a transfer has done can be undone from its files.
CREATE TABLE transfers (
  id         INTEGER PRIMARY KEY,
  target     TEXT NOT NULL,              -- absolute
  mode       TEXT NOT NULL CHECK (mode IN ('copy', 'move')),
  created_at TEXT NOT NULL,              -- ISO 8601
  folders    TEXT NOT NULL DEFAULT '[]'  -- JSON: paths of the folders that it made
) STRICT;

-- `file_size` and `modified_ms` are those of the file when it was transferred. A row is written before its file is
-- touched, and removed when the file is back; `error` says why nothing was done.
CREATE TABLE transfer_files (
  transfer_id INTEGER NOT NULL REFERENCES transfers (id) ON DELETE CASCADE,
  number      INTEGER NOT NULL,
  source      TEXT    NOT NULL,          -- absolute
  place       TEXT    NOT NULL,          -- absolute
  file_size   INTEGER NOT NULL,
  modified_ms INTEGER NOT NULL,
  error       TEXT,
  PRIMARY KEY (transfer_id, number)
) STRICT, WITHOUT ROWID;

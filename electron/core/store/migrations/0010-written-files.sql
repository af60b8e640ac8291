-- Files that a person had written, as they were then: one that is still so may be written again without asking. What was
-- written of a run that is forgotten is forgotten too, since nothing else holds it any more.
CREATE TABLE written_files (
  path        TEXT PRIMARY KEY,          -- absolute, without links
  command     TEXT    NOT NULL,          -- 'export', 'confusion' or 'backup'
  format      TEXT    NOT NULL,
  run_id      INTEGER REFERENCES runs (id) ON DELETE CASCADE,
  device      TEXT    NOT NULL,          -- of the file system; with the inode, the file itself
  inode       TEXT    NOT NULL,
  file_size   INTEGER NOT NULL,          -- bytes
  modified_ns TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX written_files_by_run ON written_files (run_id);

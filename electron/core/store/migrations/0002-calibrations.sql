-- Measured curves: one per model, device, machine, engine and number of threads. A new one replaces the old.
CREATE TABLE calibrations (
  model_sha256 TEXT    NOT NULL REFERENCES models (sha256),
  device       TEXT    NOT NULL,
  machine      TEXT    NOT NULL,         -- the device's description
  engine       TEXT    NOT NULL,         -- version and precisions
  threads      INTEGER NOT NULL,
  created_at   TEXT    NOT NULL,         -- ISO 8601
  folder       TEXT,                     -- where the images lay; NULL for images of earlier runs
  images       INTEGER NOT NULL,         -- measured
  labelled     INTEGER NOT NULL,         -- of them: in a sub-folder that is a class
  population   INTEGER NOT NULL,         -- images that the sample was drawn from
  points       TEXT    NOT NULL,         -- CalibrationPoint[] as JSON; the first is Accurate
  PRIMARY KEY (model_sha256, device, machine, engine, threads)
) STRICT, WITHOUT ROWID;

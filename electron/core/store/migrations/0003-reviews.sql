-- What people say about images. A review belongs to the image: no run changes it, whatever its model says.
CREATE TABLE reviews (
  image_id    INTEGER PRIMARY KEY REFERENCES images (id) ON DELETE CASCADE,
  label       TEXT    NOT NULL,          -- as it is shown; need not be a class of any model
  verified_at TEXT    NOT NULL           -- ISO 8601
) STRICT;

-- Scan directions that ran over all blocks, counted from `directions`: its bytes are 0 to 3, so the digits 1, 2 and 3 of
-- its hexadecimal form stand for one, one and two.
ALTER TABLE results ADD COLUMN blocks_run INTEGER;
UPDATE results SET blocks_run = (
  SELECT length(digits) - length(replace(digits, '1', ''))
       + length(digits) - length(replace(digits, '2', ''))
       + 2 * (length(digits) - length(replace(digits, '3', '')))
  FROM (SELECT hex(results.directions) AS digits)
) WHERE directions IS NOT NULL;

-- All that filters, sorts and counts ask of a result, so that they need not read receipts.
CREATE INDEX results_listing ON results (run_id, image_id, status, class_1, confidence_1, blocks_run);
DROP INDEX results_by_image;
CREATE INDEX results_by_image ON results (image_id, status);

-- File name: what stands behind the last '/' of the path.
ALTER TABLE images ADD COLUMN name TEXT GENERATED ALWAYS AS (
  substr(relative_path, length(rtrim(relative_path, replace(relative_path, '/', ''))) + 1)) VIRTUAL;

-- The last scan that came to its end: images with at least this `scan` were there then.
ALTER TABLE folders ADD COLUMN finished_scan INTEGER NOT NULL DEFAULT 0;
UPDATE folders SET finished_scan = scan;

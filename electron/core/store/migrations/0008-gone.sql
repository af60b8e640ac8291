-- Whether a file was missing at the last scan of its folder that came to its end. `scan` is the last one that found the
-- file new, changed or back again: a scan writes nothing of the others, so that an unchanged folder is only read.
ALTER TABLE images ADD COLUMN gone INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1));
UPDATE images SET gone = 1 WHERE scan < (SELECT finished_scan FROM folders WHERE folders.id = folder_id);
CREATE INDEX images_gone ON images (folder_id) WHERE gone;

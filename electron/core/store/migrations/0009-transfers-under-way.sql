-- Set while a file is being moved, copied or brought back, so after a crash these are the ones to look at.
ALTER TABLE transfer_files ADD COLUMN under_way INTEGER NOT NULL DEFAULT 0;
CREATE INDEX transfer_files_under_way ON transfer_files (transfer_id, number) WHERE under_way = 1;
-- Where an image was put before.
CREATE INDEX transfer_files_source ON transfer_files (source);

-- Whether a transfer, or the undoing of one, has come to its end, and what it was asked for with, so that it can go on.
ALTER TABLE transfers ADD COLUMN state TEXT NOT NULL DEFAULT 'done' CHECK (state IN ('transferring', 'undoing', 'done'));
ALTER TABLE transfers ADD COLUMN run_id INTEGER REFERENCES runs (id) ON DELETE SET NULL;
ALTER TABLE transfers ADD COLUMN filter TEXT NOT NULL DEFAULT '{}'; -- JSON

CREATE INDEX transfers_run ON transfers (run_id);

UPDATE transfers SET state = 'transferring'
WHERE EXISTS (SELECT 1 FROM transfer_files WHERE transfer_id = transfers.id AND under_way = 1)
  OR NOT EXISTS (SELECT 1 FROM transfer_files WHERE transfer_id = transfers.id);

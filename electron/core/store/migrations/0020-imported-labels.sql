-- Set while the results of another tool are being read in: nobody sees such a run, and what a process that died has left of
-- one is removed.
ALTER TABLE runs ADD COLUMN importing INTEGER NOT NULL DEFAULT 0 CHECK (importing IN (0, 1));

-- Who gave a review, as it was named when the review was read from a file; NULL for one that was given here.
ALTER TABLE reviews ADD COLUMN source TEXT;

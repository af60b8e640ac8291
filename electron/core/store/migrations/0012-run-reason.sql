-- Why a run failed, or was paused without a person, in sentences.
ALTER TABLE runs ADD COLUMN reason TEXT;

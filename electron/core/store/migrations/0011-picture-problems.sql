-- What cameras tell beside the date: digits of its second behind the point, and how far their clock is from UTC (+HH:MM).
ALTER TABLE images ADD COLUMN captured_fraction TEXT;
ALTER TABLE images ADD COLUMN captured_offset TEXT;

-- Why a picture failed (`error` is that as a sentence), or why its result is to be taken with care (`warning`): a code of
-- shared/picture-problem.ts, and what the decoder said. NULL for failures from before this migration.
ALTER TABLE results ADD COLUMN warning TEXT;
ALTER TABLE results ADD COLUMN problem TEXT;
ALTER TABLE results ADD COLUMN problem_details TEXT;

CREATE INDEX results_warned ON results (run_id, image_id) WHERE warning IS NOT NULL;

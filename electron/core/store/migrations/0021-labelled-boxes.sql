-- Of a run that finds first and labels what was found: what the finder says of a box. `class` and `score` are what holds of it;
-- all three are NULL where one model says all, `label_score` also where the finder's own label was kept.
ALTER TABLE detections ADD COLUMN found_class INTEGER; -- among the finder's classes
ALTER TABLE detections ADD COLUMN found_score REAL;    -- the finder's, 0 to 1
ALTER TABLE detections ADD COLUMN label_score REAL;    -- the classifier's in `class`, 0 to 1

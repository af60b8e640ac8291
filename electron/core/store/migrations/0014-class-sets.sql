-- What people choose labels from: models of the same task and class names share a set. A review belongs to one.
CREATE TABLE class_sets (
  id    INTEGER PRIMARY KEY,
  task  TEXT NOT NULL,                   -- of the models; '' where the model is not known any more
  names TEXT NOT NULL,                   -- the classes as they are shown, in order: JSON
  UNIQUE (task, names)
) STRICT;

-- `class_names` is migrate.ts's: the names of a manifest's classes as they are shown, in order.
ALTER TABLE models ADD COLUMN class_set INTEGER REFERENCES class_sets (id);
INSERT OR IGNORE INTO class_sets (task, names)
  SELECT coalesce(manifest ->> 'task', ''), class_names(manifest) FROM models;
INSERT OR IGNORE INTO class_sets (task, names) VALUES ('', '[]');
UPDATE models SET class_set =
  (SELECT id FROM class_sets WHERE task = coalesce(manifest ->> 'task', '') AND names = class_names(manifest));

-- What a person says of an image as one of a class set. No run changes it, nor does a model of other classes.
ALTER TABLE reviews RENAME TO image_reviews;
DROP INDEX reviews_with_boxes;
CREATE TABLE reviews (
  class_set   INTEGER NOT NULL REFERENCES class_sets (id),
  image_id    INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
  label       TEXT    NOT NULL,          -- as it is shown; need not be one of the set
  verified_at TEXT    NOT NULL,          -- ISO 8601
  boxes       TEXT,                      -- HumanBox[] as JSON; NULL where nobody has touched them
  PRIMARY KEY (class_set, image_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX reviews_by_image ON reviews (image_id);
CREATE INDEX reviews_with_boxes ON reviews (class_set, image_id) WHERE boxes IS NOT NULL;

-- Where the reviews of before belong: of the runs that had the image when it was reviewed, to the sets with that label; where
-- none has it, to the last one's. Where there was no such run, to those of later runs in the same way; where there is none
-- either, to every set with that label, else to that of no model. Boxes were given in runs of detection models only.
CREATE TEMP TABLE set_labels (name TEXT, class_set INTEGER, PRIMARY KEY (name, class_set)) WITHOUT ROWID;
INSERT OR IGNORE INTO set_labels SELECT value, class_sets.id FROM class_sets, json_each(names);
CREATE TEMP TABLE candidates AS
  SELECT image_id, models.class_set, max(run_id) AS run_id, set_labels.name IS NOT NULL AS has_label,
    max(4 + 2 * (created_at <= verified_at) + (set_labels.name IS NOT NULL)) AS fit
  FROM image_reviews JOIN results USING (image_id) JOIN runs ON runs.id = run_id
    JOIN models ON sha256 = model_sha256 JOIN class_sets ON class_sets.id = models.class_set
    LEFT JOIN set_labels ON set_labels.name = label AND set_labels.class_set = models.class_set
  WHERE boxes IS NULL OR task = 'detection' GROUP BY image_id, models.class_set
  UNION ALL
  SELECT image_id, class_set, 0, 1, 2
  FROM image_reviews JOIN set_labels ON name = label JOIN class_sets ON class_sets.id = class_set
  WHERE boxes IS NULL OR task = 'detection'
  UNION ALL
  SELECT image_id, class_sets.id, 0, 0, 1 FROM image_reviews, class_sets WHERE task = '' AND names = '[]';
CREATE TEMP TABLE best_fits AS
  SELECT image_id, fit, max(run_id) AS run_id FROM candidates
  WHERE (image_id, fit) IN (SELECT image_id, max(fit) FROM candidates GROUP BY image_id) GROUP BY image_id;
INSERT OR IGNORE INTO reviews (class_set, image_id, label, verified_at, boxes)
  SELECT class_set, image_id, label, verified_at, boxes
  FROM image_reviews JOIN best_fits USING (image_id) JOIN candidates USING (image_id, fit)
  WHERE has_label OR candidates.run_id = best_fits.run_id;
DROP TABLE best_fits;
DROP TABLE candidates;
DROP TABLE set_labels;
DROP TABLE image_reviews;

-- Whether some run found anything in an image is answered without its receipts.
DROP INDEX results_by_image;
CREATE INDEX results_by_image ON results (image_id, status, confidence_1);

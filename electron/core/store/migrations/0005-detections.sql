-- What a detection model found in an image, best first. Low scores are kept, so that a threshold can be a view.
CREATE TABLE detections (
  run_id   INTEGER NOT NULL,
  image_id INTEGER NOT NULL,
  number   INTEGER NOT NULL,             -- its place by score, from 0
  class    INTEGER NOT NULL,
  score    REAL    NOT NULL,             -- 0 to 1
  x        REAL    NOT NULL,             -- the box in pixels of the upright picture: left edge
  y        REAL    NOT NULL,             -- upper edge
  width    REAL    NOT NULL,
  height   REAL    NOT NULL,
  best     INTEGER NOT NULL,             -- 1: no other of its class in the image has a better score
  PRIMARY KEY (run_id, image_id, number),
  FOREIGN KEY (run_id, image_id) REFERENCES results (run_id, image_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- In which images a class was found.
CREATE INDEX detections_by_class ON detections (run_id, class, score, image_id) WHERE best = 1;

-- Pixels of detections, and of the classes of a segmented picture. `number` is the detection's; of segmentation the class.
CREATE TABLE masks (
  run_id   INTEGER NOT NULL,
  image_id INTEGER NOT NULL,
  number   INTEGER NOT NULL,
  class    INTEGER NOT NULL,
  area     INTEGER NOT NULL,             -- pixels
  counts   TEXT    NOT NULL,             -- COCO's compressed run lengths, of the upright picture
  PRIMARY KEY (run_id, image_id, number),
  FOREIGN KEY (run_id, image_id) REFERENCES results (run_id, image_id) ON DELETE CASCADE
) STRICT;

-- In which images a class of a segmentation model has how large an area.
CREATE INDEX masks_by_class ON masks (run_id, class, image_id, area, number) WHERE number = class;

-- The boxes as a person has left them: HumanBox[] as JSON; NULL where nobody has touched them.
ALTER TABLE reviews ADD COLUMN boxes TEXT;
CREATE INDEX reviews_with_boxes ON reviews (image_id) WHERE boxes IS NOT NULL;

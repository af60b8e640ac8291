-- How many images of a run there are in each folder, by status, kept by triggers: counting a million takes a tenth of a
-- second each time. `unsure`: of them without a best class of a confidence of at least 0.5; `empty`: without any class.
CREATE TABLE run_counts (
  run_id    INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  folder_id INTEGER NOT NULL REFERENCES folders (id) ON DELETE CASCADE,
  status    TEXT    NOT NULL,
  images    INTEGER NOT NULL,
  unsure    INTEGER NOT NULL,
  empty     INTEGER NOT NULL,
  PRIMARY KEY (run_id, folder_id, status)
) STRICT, WITHOUT ROWID;

INSERT INTO run_counts (run_id, folder_id, status, images, unsure, empty)
  SELECT run_id, folder_id, status, count(*), sum(coalesce(confidence_1, 0) < 0.5), sum(confidence_1 IS NULL)
  FROM results JOIN images ON images.id = image_id GROUP BY run_id, folder_id, status;

CREATE TRIGGER results_added AFTER INSERT ON results BEGIN
  INSERT INTO run_counts (run_id, folder_id, status, images, unsure, empty)
    SELECT new.run_id, folder_id, new.status, 1, coalesce(new.confidence_1, 0) < 0.5, new.confidence_1 IS NULL
    FROM images WHERE id = new.image_id
    ON CONFLICT DO UPDATE SET
      images = images + 1, unsure = unsure + excluded.unsure, empty = empty + excluded.empty;
END;

CREATE TRIGGER results_changed AFTER UPDATE OF status, confidence_1 ON results
  WHEN old.status <> new.status OR old.confidence_1 IS NOT new.confidence_1 BEGIN
  UPDATE run_counts SET images = images - 1, unsure = unsure - (coalesce(old.confidence_1, 0) < 0.5),
      empty = empty - (old.confidence_1 IS NULL)
    WHERE run_id = old.run_id AND status = old.status
      AND folder_id = (SELECT folder_id FROM images WHERE id = old.image_id);
  INSERT INTO run_counts (run_id, folder_id, status, images, unsure, empty)
    SELECT new.run_id, folder_id, new.status, 1, coalesce(new.confidence_1, 0) < 0.5, new.confidence_1 IS NULL
    FROM images WHERE id = new.image_id
    ON CONFLICT DO UPDATE SET
      images = images + 1, unsure = unsure + excluded.unsure, empty = empty + excluded.empty;
END;

-- Of a folder that is removed, the images are gone before their results; its counts go with it.
CREATE TRIGGER results_removed AFTER DELETE ON results BEGIN
  UPDATE run_counts SET images = images - 1, unsure = unsure - (coalesce(old.confidence_1, 0) < 0.5),
      empty = empty - (old.confidence_1 IS NULL)
    WHERE run_id = old.run_id AND status = old.status
      AND folder_id = (SELECT folder_id FROM images WHERE id = old.image_id);
END;

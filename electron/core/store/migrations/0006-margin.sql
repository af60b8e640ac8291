-- Images are listed by how far their best two classes lie apart, too, so the index has the second confidence as well.
DROP INDEX results_listing;
CREATE INDEX results_listing ON results (run_id, image_id, status, class_1, confidence_1, confidence_2, blocks_run);

-- Folders of images below the folders of the library, those without any of their own left out.
CREATE TABLE directories (
  id        INTEGER PRIMARY KEY,
  folder_id INTEGER NOT NULL REFERENCES folders (id) ON DELETE CASCADE,
  path      TEXT    NOT NULL,            -- relative, with forward slashes; '' for the folder itself
  UNIQUE (folder_id, path)
) STRICT;

ALTER TABLE images ADD COLUMN directory_id INTEGER REFERENCES directories (id);
INSERT INTO directories (folder_id, path)
  SELECT DISTINCT folder_id, rtrim(rtrim(relative_path, replace(relative_path, '/', '')), '/') FROM images;
UPDATE images SET directory_id = (
  SELECT directories.id FROM directories WHERE directories.folder_id = images.folder_id
    AND path = rtrim(rtrim(relative_path, replace(relative_path, '/', '')), '/'));
CREATE INDEX images_by_directory ON images (directory_id);

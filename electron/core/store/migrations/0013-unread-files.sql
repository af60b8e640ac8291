-- Files at the folder's last scan that are no pictures Winnow reads, by kind: {".psd": 12, "": 1} as JSON.
ALTER TABLE folders ADD COLUMN unread TEXT NOT NULL DEFAULT '{}';

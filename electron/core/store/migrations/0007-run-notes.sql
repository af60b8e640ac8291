-- What became of a run's devices, such as a GPU whose memory was too small: sentences as a JSON list, each once.
ALTER TABLE runs ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';

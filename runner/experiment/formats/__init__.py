"""File formats in which truth tables are read, a file each; `base` says what a new one has to do."""

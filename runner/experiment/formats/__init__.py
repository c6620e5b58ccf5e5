"""File formats of truth tables, a file each; `base` says what a new one has to do."""

"""The figures of a report, a file each; `base` says what a new one has to do."""

"""What the restarts of a study tell, one statistic a file; see `base` for how to add one."""

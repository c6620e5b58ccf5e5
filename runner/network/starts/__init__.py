"""Starting weights: one file per distribution, and the stream that draws any range of restarts."""

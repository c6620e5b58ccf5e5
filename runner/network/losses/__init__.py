"""Losses of layers of units, one file each: as a graph, where its gradient starts, and in NumPy."""

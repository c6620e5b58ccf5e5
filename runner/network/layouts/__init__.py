"""Layouts, one file each: how the numbers of restarts lie in tensors while they are trained."""

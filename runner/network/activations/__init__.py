"""Activations, one file each: graphs for the engines, values in NumPy, and their symmetries."""

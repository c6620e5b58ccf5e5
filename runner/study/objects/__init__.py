"""Studies in object stores: pushed from a folder, pulled into one, worked on in a copy.

Nothing here trains or judges a study: what is pulled is verified, and then a folder like any other.
"""

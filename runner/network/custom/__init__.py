"""Custom models: a user's network and loss in a Python file. Only `execution` executes it."""

"""What people type: one command per file.

Comes in: arguments. Goes out: calls of the other rooms, text, an exit code. It decides nothing.
"""

"""What people type: one command per file, and what a terminal shows.

Comes in: arguments. Goes out: calls of the other rooms, text, an exit code. It decides nothing.
"""

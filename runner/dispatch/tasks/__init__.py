"""The loop that keeps workers fed with tasks, whatever the tasks do.

A task that is late, fails or must be alone is dealt with here; what its result means, a `handler`
knows.
"""

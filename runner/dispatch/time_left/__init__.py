"""How long a run has still to go: what its restarts have cost so far, at its workers' pace.

Pilot tasks tell what configurations cost before their batches are trained. Nothing here knows a
clock.
"""

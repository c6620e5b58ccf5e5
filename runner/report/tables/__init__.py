"""The tables of a report; `base` says what a new one has to do."""

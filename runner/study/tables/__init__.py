"""Tables of a study beside its statistics: their names, their columns, and what these mean."""

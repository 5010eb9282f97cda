"""The order of the work: one verb to a file."""

"""What was measured: a file of fixed size for each series, in which the newest takes the place of the oldest."""

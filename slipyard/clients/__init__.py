"""One door for each outside system, and beside each a scripted fake."""

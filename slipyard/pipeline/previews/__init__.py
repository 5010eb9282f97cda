"""Apps that follow pull and merge requests."""

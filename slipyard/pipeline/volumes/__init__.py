"""Volumes: made, mounted, copied, backed up, removed by name alone."""

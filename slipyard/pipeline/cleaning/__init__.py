"""Cleaning: a file for each kind of thing that is left behind, what may go of it and how it goes."""

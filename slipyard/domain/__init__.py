"""Nouns, moves and rules. Nothing here does I/O."""

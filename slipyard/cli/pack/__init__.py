"""`slipyard deploy .`: which files of a directory are sent, and how."""

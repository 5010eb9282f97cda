"""How many instances run: none while nobody asks, and between two bounds by load."""

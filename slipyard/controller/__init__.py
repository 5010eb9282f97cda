"""What Slipyard notices by itself: one loop to a file, one leader."""

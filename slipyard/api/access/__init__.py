"""Who asks, what they may, and how often the same request counts."""

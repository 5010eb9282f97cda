"""What others tell us: verify, parse, write down, answer."""

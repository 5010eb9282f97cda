"""What apps use and say: metrics, output, where it is forwarded to."""

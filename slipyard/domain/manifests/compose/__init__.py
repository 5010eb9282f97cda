"""`compose.yaml`, as far as an app on Slipyard can be said in it; what else it says is refused by name."""

"""`python -m slipyard.cli`: the same as `slipyard`."""

from slipyard.cli.main import main

main()

"""`slipyard up`: one supervisor for each installation, its services and its parts."""

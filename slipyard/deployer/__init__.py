"""Release to instances: start, probe, route, drain, retire."""

"""Commands in a release, and files in and out of its instances."""

"""What is set up at code hosts, and whose CI may deploy."""

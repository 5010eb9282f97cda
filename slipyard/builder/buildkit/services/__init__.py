"""What the daemon may ask of us during a build: a file for each service of the session."""

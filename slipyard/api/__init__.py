"""HTTP: REST, the git remote of each app, streams."""

"""A git remote for each app: clone, and push to deploy. git over HTTP, the smart protocol only."""

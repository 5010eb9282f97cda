"""From a release to instances that serve, and the end of those before."""

"""From a queued build to a published image."""

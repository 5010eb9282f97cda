"""Source to snapshot, snapshot to plan, plan to image."""

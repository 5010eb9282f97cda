"""REST under /v1, and the same under /api/v1. A route body is one call to a verb, or one query and its view."""

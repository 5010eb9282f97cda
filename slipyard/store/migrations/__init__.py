"""The history of the schema, one file for each step. `python -m slipyard.store.migrations.draft` drafts the next."""

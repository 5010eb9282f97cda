"""Answers that go on: logs, progress and events."""

"""The same promises, kept by a real PostgreSQL: `database` comes from conftest."""

from tests.unit.store.test_transition import *  # noqa: F403 - the tests themselves are what is imported

"""Every promise of the store that does not speak of SQLite, kept by a real PostgreSQL: `database` comes from conftest."""

from tests.unit.store.test_claims import *  # noqa: F403 - the tests themselves are what is imported
from tests.unit.store.test_transition import *  # noqa: F403

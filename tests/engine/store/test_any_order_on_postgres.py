"""The same machine of rules on a real PostgreSQL."""

from functools import cache

from hypothesis import HealthCheck, settings
from sqlalchemy.engine import make_url

from tests.postgres import postgres_url
from tests.unit.store.test_any_order import AnyOrder, prepared


class AnyOrderOnPostgres(AnyOrder):
    @staticmethod
    @cache
    def shared_database():
        return prepared(make_url(postgres_url()))


TestAnyOrderOnPostgres = AnyOrderOnPostgres.TestCase
TestAnyOrderOnPostgres.settings = settings(
    max_examples=10, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)

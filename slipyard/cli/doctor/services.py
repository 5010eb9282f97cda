"""What an installation stores its things in: database, queue, registry, router."""

import asyncio

import redis
from sqlalchemy import text

from slipyard.cli.doctor.finding import Finding, Subject, fail, ok
from slipyard.cli.up.caddy_service import caddy_answers
from slipyard.cli.up.readiness import redis_url
from slipyard.clients.caddy import Caddy
from slipyard.clients.registry import Registry
from slipyard.domain.credentials import Credentials
from slipyard.domain.errors import SlipyardError
from slipyard.store.database import Database
from slipyard.store.installation import database_url
from slipyard.store.schema import require_newest

_SECONDS = 5.0
_START = "`slipyard up` starts it; its log is in the directory logs of the installation."


async def check_database(subject: Subject) -> Finding:
    if subject.installation_id is None:
        return fail("database", "there is none yet", "`slipyard up` makes one.")
    database = Database(database_url(subject.settings))
    try:
        await asyncio.to_thread(require_newest, database)
        state = await database.reading(lambda session: _integrity(database, session.connection()))
    except SlipyardError as error:
        return fail("database", error.message, "")
    finally:
        database.dispose()
    if state != "ok":
        return fail(
            "database", f"it is damaged: {state}", "Stop Slipyard and put back a file of the directory backups."
        )
    return ok("database", "SQLite" if database.is_sqlite else "PostgreSQL")


async def check_redis(subject: Subject) -> Finding:
    url = redis_url(subject.settings, subject.layout)
    connection = redis.Redis.from_url(url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS)
    try:
        version = (await asyncio.to_thread(connection.info, "server"))["redis_version"]
    except redis.RedisError as error:
        advice = _START if subject.settings.redis_url is None else "Check the server that SLIPYARD_REDIS_URL names."
        return fail("redis", f"it does not answer: {error}", advice)
    finally:
        connection.close()
    return ok("redis", f"version {version}")


async def check_registry(subject: Subject) -> Finding:
    settings = subject.settings
    host = (settings.registry_url or f"127.0.0.1:{settings.registry_port}").partition("/")[0]
    try:
        await Registry().ping(host, _registry_login(subject))
    except SlipyardError as error:
        advice = _START if settings.registry_url is None else "Check the registry that SLIPYARD_REGISTRY_URL names."
        return fail("registry", error.message, advice)
    return ok("registry", f"{host} answers and knows us")


async def check_caddy(subject: Subject) -> Finding:
    if subject.settings.caddy_admin is None:
        answers = await asyncio.to_thread(caddy_answers, subject.layout.caddy_socket)
        return (
            ok("caddy", "answers") if answers else fail("caddy", "it does not answer; apps are not reachable", _START)
        )
    try:
        await Caddy(subject.settings.caddy_admin).config()
    except SlipyardError as error:
        return fail("caddy", error.message, "Check the Caddy that SLIPYARD_CADDY_ADMIN names.")
    return ok("caddy", f"answers at {subject.settings.caddy_admin}")


def _integrity(database: Database, connection: object) -> str:
    statement = text("PRAGMA quick_check(1)" if database.is_sqlite else "SELECT 'ok'")
    return str(connection.execute(statement).scalar())  # type: ignore[attr-defined]


def _registry_login(subject: Subject) -> Credentials | None:
    settings = subject.settings
    if settings.registry_url is None:
        try:
            return Credentials("slipyard", subject.layout.registry_password.read_text().strip())
        except OSError:
            return None
    named = settings.registry_username and settings.registry_password
    return Credentials(settings.registry_username or "", settings.registry_password or "") if named else None

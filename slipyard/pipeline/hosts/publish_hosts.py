"""Which hosts the router answers for: read and handed over under one lock, so that no older list lands after a newer."""

import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO

import structlog
from sqlmodel import Session, col, select

from slipyard.deployer.router import RoutedHost, RouteState
from slipyard.domain.errors import SystemFault
from slipyard.pipeline.context import Context
from slipyard.pipeline.hosts.own_certificates import own_certificates
from slipyard.pipeline.rollout.switch_route import apply_route, write_intent
from slipyard.store.queries.domains import all_domains
from slipyard.store.queries.route_rules import rules_in_force
from slipyard.store.tables import App, Domain, RouteRow

_LOOK_SECONDS = 0.005
_log = structlog.get_logger()


async def publish_hosts(context: Context) -> None:
    """Every app that is not being deleted answers at its host, with a page that says so where nothing is live yet.

    The files of a route exist before the router is told of it: a missing address would be a 502.
    """
    async with _locked(context):
        for app_id in await context.database.reading(_without_route):
            await _first_route(context, app_id)
        hosts = await context.database.reading(routed_hosts)
        await context.router.publish(hosts, await own_certificates(context))


async def _first_route(context: Context, app_id: str) -> None:
    state = RouteState.NOT_DEPLOYED
    route = await context.database.writing(lambda session: write_intent(session, app_id, state, (), None))
    await apply_route(context, route)


async def try_to_publish_hosts(context: Context) -> None:
    """For those who accepted a request already: where the router is away, the controller publishes when it is back."""
    try:
        await publish_hosts(context)
    except SystemFault as fault:
        _log.warning("hosts_not_published", error=fault.message)


def _without_route(session: Session) -> list[str]:
    routed = select(RouteRow.app_id)
    return list(session.exec(select(App.id).where(col(App.deleting_at).is_(None), col(App.id).not_in(routed))).all())


def routed_hosts(session: Session) -> list[RoutedHost]:
    """Each app at the host that Slipyard gave it and at its own names, under its rules."""
    query = select(App.host, App.id).where(col(App.deleting_at).is_(None)).order_by(col(App.host))
    rules = rules_in_force(session)
    given = [RoutedHost(host, app_id, rules=rules.get(app_id, "")) for host, app_id in session.exec(query)]
    return [*given, *(_own_name(row, rules.get(row.app_id, "")) for row in all_domains(session))]


def _own_name(row: Domain, rules: str) -> RoutedHost:
    return RoutedHost(
        row.host, row.app_id, row.path, row.strip_prefix, row.redirect_to or "", row.redirect_status, rules
    )


@asynccontextmanager
async def _locked(context: Context) -> AsyncIterator[None]:
    """Across processes. Asked for again and again instead of waited for in a thread: those who wait would take all threads,
    and the one who holds it needs one to go on."""
    with (context.layout.run / "hosts.lock").open("a") as lock:
        while not _taken(lock):
            await context.clock.sleep(_LOOK_SECONDS)
        yield


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

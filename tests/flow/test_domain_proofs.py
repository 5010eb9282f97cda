"""Where proofs are asked for, a name leads nowhere before DNS says whose it is; shown with a real DNS server."""

from collections.abc import AsyncIterator

import pytest
from sqlmodel import select

from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict, NotFound, Unavailable
from slipyard.domain.ids import new_id
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.hosts.claim_domain import NewDomain
from slipyard.pipeline.hosts.domains import add_domain
from slipyard.pipeline.hosts.proof import challenge_name
from slipyard.pipeline.hosts.prove_domains import verify_domain
from slipyard.pipeline.hosts.publish_hosts import routed_hosts
from slipyard.store.events import events_after
from slipyard.store.queries.domains import domains_at
from slipyard.store.tables import App, Domain, Organization
from tests.dns_server import DnsServer, dns_server
from tests.flow.system import System

WWW = "www.example.test"


@pytest.fixture
async def dns(system: System) -> AsyncIterator[DnsServer]:
    async with dns_server() as server:
        system.set(prove_domains=True, dns_server=server.address)
        yield server


async def app(system: System, name: str, actor: Actor | None = None) -> App:
    return (await create_app(system.context, NewApp(name), actor or system.actor)).app


async def add(system: System, app: App, domain: str, actor: Actor | None = None) -> Domain:
    return await add_domain(system.context, app.id, NewDomain(domain), actor or system.actor)


def others(system: System) -> Actor:
    with system.context.database.write() as session:
        row = Organization(id=new_id("org"), slug="others", name="Others", created_at=system.clock.now())
        session.add(row)
        session.flush()
        return Actor("tok_others", "others", row.id, frozenset({"apps:read", "apps:write"}))


def answers_at(system: System) -> set[str]:
    return {each.host for each in system.read(routed_hosts)}


def held(system: System, host: str) -> list[Domain]:
    return system.read(lambda session: domains_at(session, [host]))


async def test_a_name_waits_for_its_record_and_answers_when_the_loop_finds_it(system: System, dns: DnsServer) -> None:
    shop = await app(system, "shop")
    dns.texts[challenge_name(WWW)] = ["somebody else's"]
    row = await add(system, shop, WWW)
    assert row.verified_at is None
    assert "somebody else's" in (row.proof_error or "")
    assert WWW not in answers_at(system)

    dns.texts[challenge_name(WWW)] = ["somebody else's", row.proof]
    asked = len(dns.asked)
    await system.control("proofs")
    assert len(dns.asked) == asked, "it was looked at a moment ago"
    with system.context.database.write() as session:
        session.get_one(Domain, row.id).proof_checked_at = None
    await system.control("proofs")

    assert WWW in answers_at(system)
    assert held(system, WWW)[0].verified_at is not None
    events = system.read(lambda session: events_after(session, shop.id, 0, kind="app.domains"))
    assert ["added" in each.message for each in events] == [True, False]
    assert row.proof in events[0].message


async def test_a_name_server_that_fails_proves_nothing_and_says_so(system: System, dns: DnsServer) -> None:
    shop = await app(system, "shop")
    dns.broken = True
    row = await add(system, shop, WWW)
    assert "No name server answers" in (row.proof_error or "")
    with pytest.raises(Unavailable):
        await verify_domain(system.context, shop.id, WWW, system.actor)
    assert WWW not in answers_at(system)

    dns.broken = False
    dns.texts[challenge_name(WWW)] = [row.proof]
    assert (await verify_domain(system.context, shop.id, WWW, system.actor)).verified_at is not None
    assert WWW in answers_at(system)


async def test_whoever_proves_a_name_gets_it_from_who_only_asked_for_it(system: System, dns: DnsServer) -> None:
    shop = await app(system, "shop")
    await add(system, shop, WWW)
    stranger = others(system)
    theirs = await app(system, "theirs", stranger)
    with pytest.raises(Conflict, match="let DNS say _slipyard-challenge") as refused:
        await add(system, theirs, WWW, stranger)
    dns.texts[challenge_name(WWW)] = [refused.value.message.split('"')[1]]

    row = await add(system, theirs, WWW, stranger)

    assert row.verified_at is not None
    assert [each.app_id for each in held(system, WWW)] == [theirs.id]
    told = system.read(lambda session: events_after(session, shop.id, 0, kind="app.domains"))
    assert "others proved" in told[-1].message
    with pytest.raises(Conflict, match="leads to an app already"):
        await add(system, shop, WWW)
    with pytest.raises(NotFound):
        await verify_domain(system.context, shop.id, WWW, system.actor)


async def test_a_wildcard_is_proved_by_the_name_above_and_names_of_the_installation_by_nobody(
    system: System, dns: DnsServer
) -> None:
    shop = await app(system, "shop")
    row = await add(system, shop, "*.example.test")
    dns.texts["_slipyard-challenge.example.test"] = [row.proof]
    assert (await add(system, shop, "example.test")).verified_at is not None
    assert (await verify_domain(system.context, shop.id, "*.example.test", system.actor)).verified_at is not None
    assert (await add(system, shop, "site.localhost")).verified_at is not None
    assert all("localhost" not in name for name in dns.asked)


async def test_where_nobody_asks_for_proofs_any_more_waiting_names_answer(system: System, dns: DnsServer) -> None:
    shop = await app(system, "shop")
    await add(system, shop, WWW)
    system.set(prove_domains=False)
    with system.context.database.write() as session:
        session.exec(select(Domain)).one().proof_checked_at = None
    await system.control("proofs")
    assert WWW in answers_at(system)

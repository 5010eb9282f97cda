"""Names of its own that an app answers at: who may have which, what the router is told, and when a name is free again."""

import asyncio
from dataclasses import replace

import pytest
from sqlmodel import select

from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict, InsufficientScope, NotFound, Unavailable, ValidationFailed
from slipyard.domain.ids import new_id
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.delete_app import delete_app
from slipyard.pipeline.hosts.claim_domain import NewDomain
from slipyard.pipeline.hosts.domains import add_domain, change_domain, remove_domain
from slipyard.pipeline.hosts.publish_hosts import routed_hosts
from slipyard.store.events import events_after
from slipyard.store.tables import App, Domain, Organization
from tests.flow.system import System


async def app(system: System, name: str, actor: Actor | None = None) -> App:
    return (await create_app(system.context, NewApp(name), actor or system.actor)).app


async def add(system: System, app: App, domain: str, actor: Actor | None = None, **more: object) -> Domain:
    return await add_domain(system.context, app.id, NewDomain(domain, **more), actor or system.actor)  # type: ignore[arg-type]


def stranger(system: System) -> Actor:
    """Of another organization, and no administrator."""
    with system.context.database.write() as session:
        row = Organization(id=new_id("org"), slug="others", name="Others", created_at=system.clock.now())
        session.add(row)
        session.flush()
        return Actor("tok_others", "others", row.id, frozenset({"apps:read", "apps:write"}))


def places(system: System) -> set[tuple[str, str, str]]:
    return {(each.host, each.path, each.app_id) for each in system.read(routed_hosts)}


async def test_a_name_of_another_app_is_refused_and_leads_where_it_led(system: System) -> None:
    shop, blog = await app(system, "shop"), await app(system, "blog")
    await add(system, shop, "www.example.test")

    for name in ("www.example.test", "WWW.Example.test.", "shop.localhost"):
        with pytest.raises(Conflict, match="leads to an app already"):
            await add(system, blog, name)

    assert ("www.example.test", "/", shop.id) in places(system)
    assert len(places(system)) == 3


async def test_of_two_who_ask_for_a_name_at_once_one_gets_it(system: System) -> None:
    apps = [await app(system, name) for name in ("shop", "blog")]
    done = await asyncio.gather(*(add(system, each, "www.example.test") for each in apps), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Conflict", "Domain"]


async def test_a_name_or_a_path_of_another_organization_or_below_its_wildcard_is_refused(system: System) -> None:
    others, shop = stranger(system), await app(system, "shop")
    await add(system, shop, "example.test")
    await add(system, shop, "*.example.test")
    theirs = await app(system, "theirs", others)

    for name, path in (("example.test", "/theirs"), ("www.example.test", "/"), ("*.example.test", "/x")):
        with pytest.raises(Conflict):
            await add(system, theirs, name, others, path=path)

    await add(system, theirs, "other.test", others)


async def test_names_below_the_domain_of_the_installation_are_for_administrators(system: System) -> None:
    others = stranger(system)
    theirs = await app(system, "theirs", others)
    for name in ("www.localhost", "*.apps.localhost"):
        with pytest.raises(InsufficientScope):
            await add(system, theirs, name, others)
    await add(system, await app(system, "site"), "www.localhost")


async def test_an_app_that_comes_later_gets_another_host_than_a_name_that_is_taken(system: System) -> None:
    await add(system, await app(system, "shop"), "blog.localhost")
    blog = await app(system, "blog")
    assert blog.host == f"blog-{blog.id[-8:]}.localhost"


async def test_somebody_bound_to_one_app_adds_no_path_to_a_name_of_another_one(system: System) -> None:
    shop, blog = await app(system, "shop"), await app(system, "blog")
    await add(system, shop, "example.test")
    bound = replace(system.actor, app_id=blog.id)
    with pytest.raises(Conflict):
        await add(system, blog, "example.test", bound, path="/blog")
    await add(system, blog, "example.test", path="/blog")
    assert {("example.test", "/", shop.id), ("example.test", "/blog", blog.id)} <= places(system)


async def test_a_domain_that_leads_to_itself_or_to_a_wildcard_is_refused(system: System) -> None:
    shop = await app(system, "shop")
    for target in ("a.example.test", "*.example.test", "https://b.example.test"):
        with pytest.raises(ValidationFailed):
            await add(system, shop, "a.example.test", redirect_to=target)


async def test_the_router_is_away_and_hears_of_the_name_when_it_is_back(system: System) -> None:
    shop = await app(system, "shop")
    system.caddy.fail_next(Unavailable("away"))
    await add(system, shop, "www.example.test")
    loads = system.caddy.loads
    await system.control("hosts")
    spares = system.context.layout.routes.glob("editions/*/spares/*/host")
    assert "www.example.test" in [path.read_text() for path in spares]
    assert system.caddy.loads == loads  # a file was enough


async def test_a_name_that_is_removed_leads_nowhere_and_is_free(system: System) -> None:
    shop, blog = await app(system, "shop"), await app(system, "blog")
    row = await add(system, shop, "www.example.test")
    with pytest.raises(NotFound):
        await remove_domain(system.context, blog.id, row.id, system.actor)
    await remove_domain(system.context, shop.id, "www.example.test", system.actor)
    assert len(places(system)) == 2
    await add(system, blog, "www.example.test")


async def test_a_domain_changes_what_it_leads_to(system: System) -> None:
    shop = await app(system, "shop")
    await add(system, shop, "www.example.test", redirect_to="example.test")
    await change_domain(system.context, shop.id, "www.example.test", {"redirect_to": None, "path": "/x/"}, system.actor)
    assert ("www.example.test", "/x", shop.id) in places(system)
    changes = {"redirect_to": "www.example.test"}
    with pytest.raises(ValidationFailed):
        await change_domain(system.context, shop.id, "www.example.test", changes, system.actor)


async def test_the_names_of_a_deleted_app_are_free_again(system: System) -> None:
    shop, blog = await app(system, "shop"), await app(system, "blog")
    await add(system, shop, "www.example.test")
    await delete_app(system.context, shop.id, system.actor)
    assert places(system) == {("blog.localhost", "/", blog.id)}
    await system.settle()
    assert system.read(lambda session: session.exec(select(Domain)).all()) == []
    await add(system, blog, "www.example.test")


async def test_what_happened_to_the_names_of_an_app_is_among_its_events(system: System) -> None:
    shop = await app(system, "shop")
    await add(system, shop, "www.example.test", path="/api")
    await remove_domain(system.context, shop.id, "www.example.test", system.actor)
    told = system.read(lambda session: events_after(session, shop.id, 0))
    assert [each.message for each in told if each.kind == "app.domains"] == [
        "admin added the domain www.example.test/api.",
        "admin removed the domain www.example.test/api.",
    ]

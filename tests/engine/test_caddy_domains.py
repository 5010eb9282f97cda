"""Domains on a real Caddy: paths, wildcards, redirects and rules do what they say, and certificates come without a load."""

import asyncio
from collections.abc import AsyncIterator

import bcrypt
import pytest
from cryptography import x509

from slipyard.clients.caddy import Caddy
from slipyard.deployer.router import Route, RoutedHost, RouteState
from slipyard.domain.ids import new_id
from slipyard.domain.route_rules import Account, HeaderRules, RedirectRule, RouteRules, Timeouts
from tests.engine.caddy_bench import TrustingBench, trusting_bench
from tests.engine.echo import Echo, echoing

ONE, TWO = new_id("app"), new_id("app")


@pytest.fixture
async def bench() -> AsyncIterator[TrustingBench]:
    async with trusting_bench() as made:
        yield made


@pytest.fixture
async def one() -> AsyncIterator[Echo]:
    async with echoing("one") as made:
        yield made


@pytest.fixture
async def two() -> AsyncIterator[Echo]:
    async with echoing("two") as made:
        yield made


async def serve(bench: TrustingBench, app_id: str, echo: Echo) -> None:
    await bench.router.switch(Route(app_id, 1, RouteState.AWAKE, (echo.address,)))


async def test_the_longest_path_wins_and_a_name_goes_before_a_wildcard(bench, one, two):
    await serve(bench, ONE, one)
    await serve(bench, TWO, two)
    await bench.router.publish(
        [
            RoutedHost("*.example.test", TWO),
            RoutedHost("www.example.test", ONE),
            RoutedHost("www.example.test", TWO, path="/api", strip_prefix=True),
            RoutedHost("www.example.test", ONE, path="/api/v2"),
        ]
    )
    await bench.router.publish(
        [
            RoutedHost("*.example.test", TWO),
            RoutedHost("late.example.test", ONE),
            RoutedHost("www.example.test", ONE),
            RoutedHost("www.example.test", TWO, path="/api", strip_prefix=True),
            RoutedHost("www.example.test", ONE, path="/api/v2"),
        ]
    )

    async def said(host: str, path: str) -> tuple[str, str]:
        answer = (await bench.ask(host, path)).json()
        return answer["name"], answer["path"]

    assert await said("www.example.test", "/") == ("one", "/")
    assert await said("www.example.test", "/apis") == ("one", "/apis")
    assert await said("www.example.test", "/api") == ("two", "/")
    assert await said("www.example.test", "/api/x%20y?z=1") == ("two", "/x%20y?z=1")
    assert await said("www.example.test", "/api/v2/x") == ("one", "/api/v2/x")
    assert await said("any.example.test", "/") == ("two", "/")
    assert await said("late.example.test", "/") == ("one", "/")
    assert [(await bench.ask(host)).status_code for host in ("example.test", "a.b.example.test")] == [404, 404]


async def test_a_name_that_sends_visitors_on_keeps_path_and_query(bench, one):
    await bench.router.publish([RoutedHost("www.example.test", ONE, redirect_to="example.test", redirect_status=301)])
    answer = await bench.ask("www.example.test", "/a/b?c=d")
    assert answer.status_code == 301
    assert answer.headers["location"] == f"http://example.test:{bench.shape.http_port}/a/b?c=d"


async def with_rules(bench: TrustingBench, rules: RouteRules) -> None:
    await bench.router.publish([RoutedHost("a.test", ONE, rules=rules.model_dump_json())])


async def test_who_comes_from_elsewhere_learns_nothing(bench, one):
    await serve(bench, ONE, one)
    moved = (RedirectRule(source="/old", to="/new"),)
    await with_rules(bench, RouteRules(allow=("192.0.2.0/24", "2001:db8::/32"), redirects=moved))
    for path in ("/", "/old"):
        answer = await bench.ask("a.test", path, headers={"X-Forwarded-For": "192.0.2.1"})
        assert (answer.status_code, "location" in answer.headers) == (403, False)
    assert one.requests == 0
    await with_rules(bench, RouteRules(allow=("127.0.0.0/8",), redirects=moved))
    assert (await bench.ask("a.test")).status_code == 200


async def test_who_knows_no_password_stays_outside(bench, one):
    await serve(bench, ONE, one)
    hashed = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
    await with_rules(bench, RouteRules(basic_auth=(Account(username="ops", password_hash=hashed),)))
    for auth in (None, ("ops", "wrong"), ("root", "right")):
        assert (await bench.ask("a.test", auth=auth)).status_code == 401
    assert one.requests == 0
    assert (await bench.ask("a.test", auth=("ops", "right"))).status_code == 200


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_is_413_and_one_that_is_not_arrives_whole(bench, one, chunked):
    await serve(bench, ONE, one)
    await with_rules(bench, RouteRules(max_body_bytes=1000))

    async def send(size: int):
        async def pieces():
            for _ in range(size // 100):
                yield b"x" * 100

        return await bench.ask("a.test", method="POST", content=pieces() if chunked else b"x" * size)

    assert (await send(1000)).json()["body_bytes"] == 1000
    assert (await send(2000)).status_code == 413


async def test_whoever_waits_longer_than_the_rule_allows_gets_504_and_no_other_instance_is_asked(bench):
    asked = []

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        await reader.read()
        writer.close()

    async with await asyncio.start_server(never, "127.0.0.1", 0) as server:
        address = "{}:{}".format(*server.sockets[0].getsockname())
        await bench.router.switch(Route(ONE, 1, RouteState.AWAKE, (address,)))
        await with_rules(bench, RouteRules(timeouts=Timeouts(answer_seconds=0.2)))
        assert (await bench.ask("a.test")).status_code == 504
        assert len(asked) == 1


async def test_headers_are_set_and_removed_on_the_way_in_and_out(bench, one):
    await serve(bench, ONE, one)
    rules = RouteRules(
        request_headers=HeaderRules(set={"X-Tenant": "acme"}, remove=("Cookie",)),
        response_headers=HeaderRules(set={"X-Frame-Options": "DENY"}, remove=("X-Secret",)),
    )
    await with_rules(bench, rules)
    answer = await bench.ask("a.test", headers={"Cookie": "a=b", "X-Tenant": "mine"})
    seen = {name.lower(): value for name, value in answer.json()["headers"].items()}
    assert (seen["x-tenant"], "cookie" in seen) == ("acme", False)
    assert answer.headers["x-frame-options"] == "DENY"
    assert "x-secret" not in answer.headers


async def test_old_paths_lead_to_new_ones_and_never_elsewhere(bench, one):
    await serve(bench, ONE, one)
    rules = RouteRules(
        redirects=(
            RedirectRule(source="/old", to="/new", status=301),
            RedirectRule(source="/blog/*", to="https://blog.example.test/archive"),
            RedirectRule(source="/moved/*", to="/"),
        )
    )
    await with_rules(bench, rules)
    location = {}
    for path in ("/old?a=b", "/blog/2024/x?y=z", "/moved//evil.test/x", "/moved/%2fevil.test", "/moved/\\evil.test"):
        location[path] = (await bench.ask("a.test", path)).headers["location"]
    assert location["/old?a=b"] == "/new?a=b"
    assert location["/blog/2024/x?y=z"] == "https://blog.example.test/archive/2024/x?y=z"
    assert not [to for path, to in location.items() if path.startswith("/moved") and to.startswith(("//", "/\\"))]
    assert (await bench.ask("a.test", "/older")).status_code == 200


async def test_with_tls_a_new_name_gets_a_certificate_without_a_load_and_a_strange_one_gets_none(one):
    async with trusting_bench(tls="internal") as bench:
        await serve(bench, ONE, one)
        await bench.router.publish([RoutedHost("first.example.test", ONE)])
        await bench.wait_for_certificate("first.example.test")
        before = await Caddy(bench.caddy.admin).config()
        hosts = [RoutedHost("first.example.test", ONE), RoutedHost("second.example.test", ONE)]
        await bench.router.publish(hosts)

        seen = x509.load_der_x509_certificate(await bench.wait_for_certificate("second.example.test"))
        names = seen.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["second.example.test"]
        assert await Caddy(bench.caddy.admin).config() == before
        assert await bench.certificate("strange.example.test") is None

        await bench.router.publish([*hosts, RoutedHost("*.wild.test", ONE)])
        assert await bench.wait_for_certificate("any.wild.test")
        assert await bench.certificate("a.b.wild.test") is None
        assert await bench.certificate("xwild.test") is None
        plain = await bench.ask("first.example.test", "/x?y=z")
        assert plain.headers["location"] == f"https://first.example.test:{bench.shape.https_port}/x?y=z"

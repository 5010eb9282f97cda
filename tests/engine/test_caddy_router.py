"""The router on a real Caddy: switches lose nothing, and no address answers for an app that it does not belong to."""

import asyncio
import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from slipyard.clients.caddy import Caddy
from slipyard.deployer.caddy_router import CaddyRouter
from slipyard.deployer.caddy_shape import INHERITED, CaddyShape
from slipyard.deployer.router import Route, RoutedHost, RouteState
from slipyard.domain.errors import SystemFault, Unavailable
from slipyard.domain.ids import new_id
from tests.engine.caddy_process import CaddyProcess, caddy_process, free_port
from tests.engine.polling import until
from tests.engine.web import Backend, Load, get

DEADLINE = 60
ONE, TWO = new_id("app"), new_id("app")


@dataclass
class Bench:
    caddy: CaddyProcess
    shape: CaddyShape
    router: CaddyRouter

    async def get(self, host: str):
        return await get(self.shape.http_port, host)

    async def answers(self, address: str, requests: int) -> bool:
        return await self.router.in_flight([address]) == requests

    async def drained(self, address: str) -> None:
        """Not answering anything in three looks, as the controller drains."""
        quiet = 0
        while quiet < 3:
            quiet = quiet + 1 if await self.router.in_flight([address]) == 0 else 0
            await asyncio.sleep(0.02)


@pytest.fixture
async def bench():
    """As `slipyard up` starts it: the sockets come with the process."""
    http, https = free_port(), free_port()
    ports = dict.fromkeys(INHERITED["http"], http) | dict.fromkeys(INHERITED["https"], https)
    async with _bench(CaddyShape(Path(), http, https, inherited=True), ports) as bench:
        yield bench


@pytest.fixture
async def bench_elsewhere():
    """A Caddy that somebody else runs: it opens its ports itself."""
    async with _bench(CaddyShape(Path(), free_port(), free_port()), {}) as bench:
        yield bench


@asynccontextmanager
async def _bench(shape: CaddyShape, ports: Mapping[int, int]) -> AsyncIterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="caddy-") as name:
        directory = Path(name)
        async with caddy_process(directory, ports) as caddy:
            shape = replace(shape, routes=directory / "routes", access_log=directory / "access.log")
            yield Bench(caddy, shape, CaddyRouter(Caddy(caddy.admin), shape))


def awake(app_id: str, generation: int, *backends: Backend) -> Route:
    return Route(app_id, generation, RouteState.AWAKE, tuple(backend.address for backend in backends))


async def test_a_host_that_nobody_owns_is_404(bench):
    await bench.router.publish([RoutedHost("one.localhost", ONE)])
    answer = await bench.get("other.localhost")
    assert answer.status == 404
    assert "No app at this address" in answer.body


async def test_an_app_without_a_route_or_a_deployment_or_stopped_says_so(bench):
    await bench.router.publish([RoutedHost("one.localhost", ONE)])
    assert "Nothing deployed yet" in (await bench.get("one.localhost")).body
    await bench.router.switch(Route(ONE, 1, RouteState.NOT_DEPLOYED))
    nothing = await bench.get("one.localhost")
    assert (nothing.status, "Nothing deployed yet" in nothing.body) == (503, True)
    await bench.router.switch(Route(ONE, 2, RouteState.STOPPED))
    stopped = await bench.get("one.localhost")
    assert (stopped.status, "stopped" in stopped.body) == (503, True)


async def test_all_hosts_of_an_app_answer(bench):
    backend = await Backend("v1").start()
    await bench.router.switch(awake(ONE, 1, backend))
    await bench.router.publish([RoutedHost("one.localhost", ONE), RoutedHost("shop.example", ONE)])
    assert [(await bench.get(host)).body for host in ("one.localhost", "shop.example")] == ["v1", "v1"]
    await backend.stop()


async def test_twenty_five_switches_under_load_lose_nothing(bench):
    backend = await Backend("v0").start()
    await bench.router.switch(awake(ONE, 1, backend))
    await bench.router.publish([RoutedHost("one.localhost", ONE)])
    async with asyncio.timeout(DEADLINE), Load(bench.shape.http_port, "one.localhost") as load:
        for number in range(1, 26):
            await load.more(100)
            old, backend = backend, await Backend(f"v{number}").start()
            await bench.router.switch(awake(ONE, number + 1, backend))
            await bench.drained(old.address)
            await old.stop()
        await load.more(100)
    assert load.failures == {}
    assert set(load.answers) == {f"v{number}" for number in range(26)}
    await backend.stop()


async def test_after_a_switch_no_new_request_reaches_the_old(bench):
    old, new = await Backend("old").start(), await Backend("new").start()
    await bench.router.publish([RoutedHost("one.localhost", ONE)])
    await bench.router.switch(awake(ONE, 1, old))
    assert (await bench.get("one.localhost")).body == "old"
    await bench.router.switch(awake(ONE, 2, new))
    assert {(await bench.get("one.localhost")).body for _ in range(20)} == {"new"}
    await old.stop()
    await new.stop()


async def test_a_request_in_flight_is_counted_and_answered_after_the_switch(bench):
    old, new = await Backend("old", hold=asyncio.Event()).start(), await Backend("new").start()
    await bench.router.publish([RoutedHost("one.localhost", ONE)])
    await bench.router.switch(awake(ONE, 1, old))
    async with asyncio.timeout(DEADLINE):
        slow = asyncio.create_task(bench.get("one.localhost"))
        await until(lambda: bench.answers(old.address, 1))
        await bench.router.switch(awake(ONE, 2, new))
        assert await bench.router.in_flight([old.address]) == 1
        old.hold.set()
        assert (await slow).body == "old"
        await bench.drained(old.address)
    await old.stop()
    await new.stop()


async def test_a_dead_replica_costs_no_request(bench):
    replicas = [await Backend(name).start() for name in "abc"]
    await bench.router.publish([RoutedHost("one.localhost", ONE)])
    await bench.router.switch(awake(ONE, 1, *replicas))
    assert {(await bench.get("one.localhost")).body for _ in range(60)} == {"a", "b", "c"}
    await replicas[0].stop()
    await replicas[1].stop()
    answers = {((answer := await bench.get("one.localhost")).status, answer.body) for _ in range(30)}
    assert answers == {(200, "c")}
    await replicas[2].stop()


async def test_the_address_of_a_stopped_app_never_answers_for_another(bench):
    first = await Backend("one").start()
    await bench.router.publish([RoutedHost("one.localhost", ONE), RoutedHost("two.localhost", TWO)])
    await bench.router.switch(awake(ONE, 1, first))
    await bench.get("one.localhost")
    await bench.router.switch(Route(ONE, 2, RouteState.STOPPED))
    await first.stop()
    second = await Backend("two").start(int(first.address.partition(":")[2]))
    await bench.router.switch(awake(TWO, 1, second))
    assert (await bench.get("two.localhost")).body == "two"
    assert {(await bench.get("one.localhost")).status for _ in range(20)} == {503}
    await second.stop()


async def test_apps_come_and_go_and_another_app_loses_no_request(bench):
    backend, one = await Backend("one").start(), RoutedHost("one.localhost", ONE)
    await bench.router.switch(awake(ONE, 1, backend))
    await bench.router.publish([one])
    async with asyncio.timeout(DEADLINE), Load(bench.shape.http_port, one.host, fresh=4) as load:
        for number in range(bench.shape.spares):
            other = RoutedHost(f"n{number}.localhost", new_id("app"))
            await bench.router.publish([one, other])
            assert (await bench.get(other.host)).status == 503
            await bench.router.publish([one])
            assert (await bench.get(other.host)).status == 404
            await load.more(20)
    assert load.failures == {}
    await backend.stop()


async def test_when_all_spares_are_used_a_new_edition_takes_over_and_kept_connections_leave_in_time(bench):
    """A request is lost only where it was accepted and not yet read in the instant that the edition before ended."""
    backend, hosts = await Backend("one").start(), [RoutedHost("one.localhost", ONE)]
    await bench.router.switch(awake(ONE, 1, backend))
    await bench.router.publish(hosts)
    async with asyncio.timeout(DEADLINE), Load(bench.shape.http_port, "one.localhost") as load:
        for edition in range(3):
            hosts += [RoutedHost(f"n{edition}-{number}.localhost", TWO) for number in range(bench.shape.spares + 1)]
            await bench.router.publish(hosts)
            await load.more(50)
    assert load.told_to_close > 0
    assert load.failures.total() <= load.told_to_close / 10
    assert {(await bench.get(routed.host)).status for routed in hosts[1:]} == {503}
    await backend.stop()


async def test_an_app_in_a_spare_is_served_logged_and_counted_like_any_other(bench):
    backend = await Backend("two").start()
    await bench.router.publish([RoutedHost("one.localhost", ONE)])
    await bench.router.publish([RoutedHost("one.localhost", ONE), RoutedHost("two.localhost", TWO)])
    await bench.router.switch(awake(TWO, 1, backend))
    assert (await bench.get("TWO.localhost")).body == "two"
    async with asyncio.timeout(DEADLINE):
        while backend.address not in (text := bench.shape.access_log.read_text()):
            await bench.get("two.localhost")
    assert f'"app":"{TWO}"' in text
    await backend.stop()


async def test_whoever_connects_while_caddy_starts_again_waits_instead_of_being_refused(bench):
    backend = await Backend("one").start()
    await bench.router.switch(awake(ONE, 1, backend))
    await bench.router.publish([RoutedHost("one.localhost", ONE)])
    await bench.caddy.kill()
    async with asyncio.timeout(DEADLINE):
        waiting = asyncio.create_task(bench.get("one.localhost"))
        await bench.caddy.start()
        assert (await waiting).body == "one"
    await backend.stop()


async def test_a_caddy_elsewhere_serves_hosts_that_come_and_go(bench_elsewhere):
    bench, backend = bench_elsewhere, await Backend("one").start()
    await bench.router.switch(awake(ONE, 1, backend))
    await bench.router.publish([RoutedHost("one.localhost", ONE)])
    await bench.router.publish([RoutedHost("one.localhost", ONE), RoutedHost("two.localhost", TWO)])
    assert [(await bench.get(f"{name}.localhost")).status for name in ("one", "two", "three")] == [200, 503, 404]
    await backend.stop()


async def test_hosts_come_and_go_and_the_others_go_on(bench):
    backend = await Backend("one").start()
    await bench.router.switch(awake(ONE, 1, backend))
    await bench.router.publish([RoutedHost("one.localhost", ONE)])
    for number in range(3):
        await bench.router.publish([RoutedHost("one.localhost", ONE), RoutedHost(f"n{number}.localhost", TWO)])
        assert (await bench.get("one.localhost")).body == "one"
        assert (await bench.get(f"n{number}.localhost")).status == 503
    assert (await bench.get("n0.localhost")).status == 404
    await backend.stop()


async def test_the_same_hosts_again_restart_nothing(bench):
    backend = await Backend("one").start()
    await bench.router.switch(awake(ONE, 1, backend))
    await bench.router.publish([RoutedHost("one.localhost", ONE)])
    async with asyncio.timeout(DEADLINE), Load(bench.shape.http_port, "one.localhost", clients=1) as load:
        for _ in range(5):
            await bench.router.publish([RoutedHost("one.localhost", ONE)])
            await load.more(10)
    assert load.failures == {}
    await backend.stop()


async def test_after_a_kill_the_last_hosts_serve_again(bench):
    backend = await Backend("one").start()
    await bench.router.switch(awake(ONE, 1, backend))
    await bench.router.publish([RoutedHost("one.localhost", ONE)])
    await bench.caddy.kill()
    with pytest.raises(Unavailable, match="slipyard up"):
        await bench.router.in_flight([backend.address])
    await bench.caddy.start()
    assert (await bench.get("one.localhost")).body == "one"
    await backend.stop()


async def test_a_refused_configuration_changes_nothing_and_says_why(bench):
    await bench.router.publish([RoutedHost("one.localhost", ONE)])
    with pytest.raises(SystemFault, match="refused POST /load"):
        await Caddy(bench.caddy.admin).load({"apps": {"nonsense": {}}})
    assert (await bench.get("one.localhost")).status == 503


async def test_the_access_log_names_the_app_and_the_address(bench):
    backend = await Backend("one").start()
    await bench.router.switch(awake(ONE, 1, backend))
    await bench.router.publish([RoutedHost("one.localhost", ONE)])
    await bench.get("one.localhost")
    async with asyncio.timeout(DEADLINE):
        while backend.address not in (text := bench.shape.access_log.read_text()):
            await bench.get("one.localhost")
    assert f'"app":"{ONE}"' in text
    await backend.stop()


async def test_with_internal_tls_hosts_answer_over_https_and_http_points_there(bench):
    shape = replace(bench.shape, tls="internal")
    router, backend = CaddyRouter(Caddy(bench.caddy.admin), shape), await Backend("one").start()
    await router.switch(awake(ONE, 1, backend))
    await router.publish([RoutedHost("one.localhost", ONE)])
    plain = await bench.get("one.localhost")
    assert plain.status == 308
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    answers = []

    async def answered() -> bool:
        """The certificate is issued a moment after the host is known."""
        with suppress(ssl.SSLError, OSError):
            answers.append(await get(shape.https_port, "one.localhost", tls=trusting))
        return bool(answers)

    await until(answered)
    assert answers[-1].body == "one"
    await backend.stop()

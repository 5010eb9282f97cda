"""Switching an app's traffic beside 10 and beside 1,000 apps on real Caddy, under load: alternated, in one run.

    python -m benchmarks.route_switch --switches 60

Each Caddy has its own load, half of it over kept connections. Writes `docs/benchmarks/route_switch.md` and `.svg`.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Compared, Figures
from slipyard.clients.caddy import Caddy
from slipyard.deployer.caddy_router import CaddyRouter
from slipyard.deployer.caddy_shape import INHERITED, CaddyShape
from slipyard.deployer.router import Route, RoutedHost, RouteState
from slipyard.domain.ids import new_id
from tests.engine.caddy_process import caddy_process, free_port
from tests.engine.installation import CHECKOUT
from tests.engine.web import Backend, Load, get

_APPS = (10, 1_000)
_HOST = "switched.localhost"
_REQUESTS_BETWEEN = 20
_MILLISECONDS = 1000


@dataclass
class Bench:
    """One Caddy, one app whose traffic goes to and fro between two backends, and many others beside it."""

    apps: int
    port: int
    router: CaddyRouter
    backends: Sequence[Backend]
    load: Load
    app_id: str = field(default_factory=lambda: new_id("app"))
    generation: int = 0
    switches: list[float] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)

    async def switch(self) -> None:
        """How long the call takes, and how long until a visitor who asks from now on reaches the other backend."""
        self.generation += 1
        backend = self.backends[self.generation % len(self.backends)]
        begun = time.perf_counter()
        await self.router.switch(Route(self.app_id, self.generation, RouteState.AWAKE, (backend.address,)))
        self.switches.append((time.perf_counter() - begun) * _MILLISECONDS)
        answer = await get(self.port, _HOST)
        self.seen.append((time.perf_counter() - begun) * _MILLISECONDS)
        if answer.body != backend.name:
            raise SystemExit(f"after the switch to {backend.name} {answer.body!r} answered")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--switches", type=int, default=60)
    switches = parser.parse_args().switches
    asyncio.run(measure(switches)).write(CHECKOUT / "docs" / "benchmarks")


async def measure(switches: int) -> Figures:
    async with AsyncExitStack() as stack:
        benches = [await stack.enter_async_context(bench_of(apps)) for apps in _APPS]
        for _ in range(switches):
            for bench in benches:
                await bench.load.more(_REQUESTS_BETWEEN)
                await bench.switch()
    for bench in benches:
        print(f"{bench.apps} apps: {bench.load.answers.total()} requests, lost: {dict(bench.load.failures)}")
    return figures(benches, switches)


@asynccontextmanager
async def bench_of(apps: int) -> AsyncIterator[Bench]:
    http, https = free_port(), free_port()
    ports = dict.fromkeys(INHERITED["http"], http) | dict.fromkeys(INHERITED["https"], https)
    backends = [await Backend(name).start() for name in ("one", "other")]
    with tempfile.TemporaryDirectory(prefix="slipyard-benchmark-") as name:
        directory = Path(name)
        async with caddy_process(directory, ports) as caddy:
            shape = CaddyShape(directory / "routes", http, https, access_log=directory / "access.log", inherited=True)
            router = CaddyRouter(Caddy(caddy.admin), shape)
            bench = Bench(apps, http, router, backends, Load(http, _HOST, clients=2, fresh=2))
            await publish(bench)
            await bench.switch()
            async with bench.load:
                yield bench
    for backend in backends:
        await backend.stop()


async def publish(bench: Bench) -> None:
    """Each of the others has its own route, as one that is live."""
    others = [RoutedHost(f"app-{number}.localhost", new_id("app")) for number in range(bench.apps - 1)]
    for other in others:
        await bench.router.switch(Route(other.app_id, 1, RouteState.AWAKE, (bench.backends[0].address,)))
    await bench.router.publish([*others, RoutedHost(_HOST, bench.app_id)])


def figures(benches: Sequence[Bench], switches: int) -> Figures:
    few, many = benches
    return Figures(
        name="route_switch",
        title="Switching an app's traffic",
        command=f"python -m benchmarks.route_switch --switches {switches}",
        measure=f"the same with {few.apps} apps",
        rows=[
            Compared(f"{few.apps} apps: the switch", few.switches, few.switches),
            Compared(f"{many.apps:,} apps: the switch", many.switches, few.switches),
            Compared(f"{few.apps} apps: to the first answer", few.seen, few.seen),
            Compared(f"{many.apps:,} apps: to the first answer", many.seen, few.seen),
        ],
        notes=[_lost(bench) for bench in benches],
    )


def _lost(bench: Bench) -> str:
    total, lost = bench.load.answers.total(), bench.load.failures.total()
    return f"{bench.apps:,} apps: {lost} of {total + lost:,} requests failed. Real Caddy."


if __name__ == "__main__":
    main()

"""What apps use and answer: a step of every series from one pass, whoever measures and whatever is away."""

import json
from collections.abc import Iterable

from slipyard.api.views.measured_families import measured_families
from slipyard.api.views.metrics_view import Asked, series_view
from slipyard.api.views.prometheus_text import prometheus_text
from slipyard.clients.simulated_container import Behaviour
from slipyard.deployer.access_log import ACCESS_LOG
from slipyard.domain.app import AppConfig
from slipyard.domain.errors import Unavailable
from slipyard.domain.health import HealthCheck
from slipyard.domain.resources import Resources
from slipyard.domain.schemas.metrics_output import SeriesView
from slipyard.pipeline.cleaning.clean_up_app import clean_up_apps
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.delete_app import delete_app
from slipyard.pipeline.deploy_app import DeployRequest, deploy_app
from slipyard.pipeline.observing.measure import MeasureWatch, take_step
from slipyard.store.queries.measured import services_by_instance
from slipyard.store.series.files import Measured, SeriesFiles
from tests.flow.system import System

BEGIN = 1_800_000_000
IMAGE = "registry.test/shop:1"
WEB = Measured("service", "web")
MIB = 1024 * 1024


async def live(system: System, slug: str = "shop", replicas: int = 2) -> str:
    system.engine.publish(IMAGE, Behaviour(cores=0.25, holds_bytes=128 * MIB))
    config = AppConfig(
        min_instances=replicas,
        max_instances=replicas,
        resources=Resources(cpu="500m", memory="256Mi"),
        health_check=HealthCheck(start_period=5),
    )
    app_id = (await create_app(system.context, NewApp(slug, config=config), system.actor)).app.id
    await deploy_app(system.context, app_id, DeployRequest(image=IMAGE), system.actor)
    await system.settle()
    return app_id


async def step(system: System, watch: MeasureWatch, number: int) -> None:
    """15 seconds later."""
    system.clock.ahead += 15
    if watch.requests is not None:
        watch.requests.look()
    await take_step(system.context, watch, BEGIN + 15 * number)


def view(system: System, app_id: str, measured: Measured = WEB, number: int = 1) -> SeriesView:
    asked = Asked(BEGIN + 15 * number + 1, None, 15)
    return series_view(SeriesFiles(system.context.layout.metrics), app_id, measured, asked)


def answer(system: System, app_id: str, statuses: Iterable[int], upstream: str = "", seconds: float = 0.02) -> None:
    path = system.context.layout.logs / ACCESS_LOG
    path.parent.mkdir(parents=True, exist_ok=True)
    row = {"ts": 1.0, "duration": seconds, "app": app_id, "upstream": upstream}
    with path.open("a") as log:
        log.writelines(json.dumps({**row, "status": status}) + "\n" for status in statuses)


def upstream_of(system: System, app_id: str, number: int) -> str:
    row = system.instances(app_id)[number]
    return f"{row.address}:{row.port}"


async def test_an_engine_that_is_away_leaves_a_gap_and_the_next_step_goes_on(system: System) -> None:
    app_id, watch = await live(system), MeasureWatch()
    await step(system, watch, 0)
    system.engine.fail_next("usage", Unavailable("The engine does not answer. Start it."), times=2)
    await step(system, watch, 1)
    assert view(system, app_id).now is None
    await step(system, watch, 2)
    await step(system, watch, 3)
    now = view(system, app_id, number=3).now
    assert now is not None
    assert now.instances == 2


async def test_errors_are_counted_when_no_instance_is_left_to_measure(system: System) -> None:
    app_id, watch = await live(system, replicas=1), MeasureWatch()
    await step(system, watch, 0)
    system.engine.crash(system.instances(app_id)[0].container_id or "")
    await system.engine.remove(system.instances(app_id)[0].container_id or "")
    answer(system, app_id, [502] * 3)
    await step(system, watch, 1)
    answers = view(system, app_id).answers
    assert answers is not None
    assert answers.statuses == {"5xx": 3}


async def test_use_stands_beside_its_limits_by_service_and_instance(system: System) -> None:
    app_id, watch = await live(system), MeasureWatch()
    for number in (0, 1):
        await step(system, watch, number)
    service, first = view(system, app_id).now, Measured("instance", system.instances(app_id)[0].id)
    instance = view(system, app_id, first).now
    assert service is not None
    assert instance is not None
    assert (service.instances, service.memory_bytes, service.memory_limit_bytes) == (2, 256 * MIB, 512 * MIB)
    assert (instance.instances, instance.memory_percent, instance.cpu_limit_cores) == (1, 50.0, 0.5)
    assert 0.2 < instance.cpu_cores < 0.3
    assert 0.4 < service.cpu_cores < 0.6


async def test_requests_are_the_apps_and_those_of_an_instance_its_own(system: System) -> None:
    app_id, watch = await live(system), MeasureWatch()
    await step(system, watch, 0)
    answer(system, app_id, [200] * 27, upstream_of(system, app_id, 0))
    answer(system, app_id, [200] * 12 + [500] * 3, upstream_of(system, app_id, 1), seconds=0.5)
    answer(system, app_id, [502] * 3)
    answer(system, "app_other", [200] * 5)
    await step(system, watch, 1)
    service = view(system, app_id)
    second = view(system, app_id, Measured("instance", system.instances(app_id)[1].id)).now
    assert service.answers is not None
    assert service.now is not None
    assert second is not None
    assert service.answers.statuses == {"2xx": 39, "5xx": 6}
    assert (service.now.requests_per_second, service.now.errors_per_second) == (3.0, 0.4)
    assert (second.requests_per_second, second.errors_per_second) == (1.0, 0.2)
    assert service.answers.p50_ms is not None
    assert service.answers.p99_ms is not None
    assert 15 < service.answers.p50_ms < 26
    assert 390 < service.answers.p99_ms < 640


async def test_another_leader_goes_on_in_the_log_where_the_last_one_was(system: System) -> None:
    app_id, watch = await live(system), MeasureWatch()
    answer(system, app_id, [200] * 4)
    await step(system, watch, 0)
    answer(system, app_id, [200] * 5)
    await step(system, watch, 1)
    answer(system, app_id, [404] * 6)
    later = MeasureWatch()
    await step(system, later, 2)
    await step(system, later, 3)
    answers = view(system, app_id, number=3).answers
    assert answers is not None
    assert answers.statuses == {"2xx": 5, "4xx": 6}  # the first four were there before anybody measured


async def test_one_list_call_of_the_database_and_none_of_the_engine_where_the_kernel_says_it(system: System) -> None:
    app_id, watch = await live(system), MeasureWatch()
    root = system.context.layout.home / "groups"
    watch.reader.groups.root = root
    for row in system.instances(app_id):
        group = root / "docker" / str(row.container_id)
        group.mkdir(parents=True)
        (group / "cpu.stat").write_text("usage_usec 5\n")
        (group / "memory.current").write_text("1000\n")
    (root / "cgroup.controllers").write_text("")
    system.engine.calls.clear()
    await step(system, watch, 0)
    await step(system, watch, 1)
    now = view(system, app_id).now
    assert now is not None
    assert now.memory_bytes == 2000
    assert not system.engine.calls


async def test_an_app_that_is_deleted_leaves_no_series(system: System) -> None:
    app_id, watch = await live(system), MeasureWatch()
    await step(system, watch, 0)
    await step(system, watch, 1)
    assert SeriesFiles(system.context.layout.metrics).of_app(app_id) != []
    await delete_app(system.context, app_id, system.actor)
    await system.settle()
    await clean_up_apps(system.context)
    assert SeriesFiles(system.context.layout.metrics).of_app(app_id) == []


async def test_what_is_kept_for_a_way_back_is_no_part_of_its_service(system: System) -> None:
    system.set(keep_paused_seconds=600)
    app_id, watch = await live(system), MeasureWatch()
    await deploy_app(system.context, app_id, DeployRequest(image=IMAGE), system.actor)
    await system.settle()
    await system.control("set_aside")
    for number in (0, 1):
        await step(system, watch, number)
    now = view(system, app_id).now
    assert now is not None
    assert len(system.instances(app_id)) == 4
    assert (now.instances, now.memory_limit_bytes) == (2, 512 * MIB)


async def test_prometheus_is_told_the_service_of_each_instance(system: System) -> None:
    app_id, watch = await live(system), MeasureWatch()
    for number in (0, 1):
        await step(system, watch, number)
    services = system.read(lambda session: services_by_instance(session, [app_id]))
    files = SeriesFiles(system.context.layout.metrics)
    text = prometheus_text(measured_families(files, {app_id: "shop"}, services, BEGIN + 16))
    for row in system.instances(app_id):
        assert f'slipyard_memory_bytes{{app="shop",service="web",instance_id="{row.id}"}} {128 * MIB}' in text

"""What a release wrote last is still there after the next one, capped, and reading it never keeps a container alive."""

from datetime import timedelta

import pytest

from slipyard.api.streams.app_logs import LogQuery, LogSource, follow_logs, recent_logs
from slipyard.clients.container_engine import LogLine
from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.app import AppConfig
from slipyard.domain.errors import Unavailable
from slipyard.domain.health import HealthCheck
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.delete_app import delete_app
from slipyard.pipeline.deploy_app import DeployRequest, deploy_app
from slipyard.store.kept_output import MOST_BYTES, MOST_FILES, KeptOutput
from slipyard.store.queries.instances import writing_instances
from tests.flow.system import System


async def deploy(system: System, app_id: str, number: int) -> None:
    image = f"registry.test/shop:{number}"
    system.engine.publish(image, Behaviour(output=(f"hello of {number}", f"bye of {number}")))
    await deploy_app(system.context, app_id, DeployRequest(image=image), system.actor)
    await system.settle()
    await system.control("set_aside", "paused", "drain")


@pytest.fixture
async def app_id(system: System) -> str:
    config = AppConfig(health_check=HealthCheck(start_period=5))
    made = (await create_app(system.context, NewApp("shop", config=config), system.actor)).app.id
    await deploy(system, made, 1)
    return made


def source(system: System) -> LogSource:
    return LogSource(system.context.driver, KeptOutput(system.context.layout.kept_output))


async def messages(system: System, app_id: str, query: LogQuery = LogQuery(100)) -> list[str]:  # noqa: B008 - frozen
    kept = source(system).kept.instances(app_id)
    rows = system.read(lambda session: writing_instances(session, app_id, kept))
    return [entry.message for entry in (await recent_logs(source(system), rows, query))[0]]


async def test_output_that_cannot_be_read_keeps_no_container_alive(system: System, app_id: str) -> None:
    system.engine.fail_next("logs", Unavailable("The engine does not answer. Start it."))
    await deploy(system, app_id, 2)
    assert [row.status for row in system.instances(app_id)] == [InstanceStatus.RETIRED, InstanceStatus.SERVING]
    assert await messages(system, app_id) == ["hello of 2", "bye of 2"]


async def test_the_last_words_of_a_dead_release_come_before_those_of_the_next(system: System, app_id: str) -> None:
    await deploy(system, app_id, 2)
    assert await messages(system, app_id) == ["hello of 1", "bye of 1", "hello of 2", "bye of 2"]
    assert await messages(system, app_id, LogQuery(2)) == ["hello of 2", "bye of 2"]
    assert await messages(system, app_id, LogQuery(9, search="bye")) == ["bye of 1", "bye of 2"]
    assert await messages(system, app_id, LogQuery(9, stream="stderr")) == []
    end = system.context.clock.now()
    assert await messages(system, app_id, LogQuery(9, until=end - timedelta(hours=1))) == []
    assert len(await messages(system, app_id, LogQuery(9, since=end - timedelta(hours=1), until=end))) == 4


async def test_who_follows_reads_what_is_gone_first(system: System, app_id: str) -> None:
    await deploy(system, app_id, 2)
    rows = system.read(lambda session: writing_instances(session, app_id, source(system).kept.instances(app_id)))
    followed = follow_logs(source(system), rows, LogQuery(10))
    assert [(await anext(followed)).message for _ in range(4)] == ["hello of 1", "bye of 1", "hello of 2", "bye of 2"]
    await followed.aclose()


async def test_an_app_that_is_deleted_leaves_no_output(system: System, app_id: str) -> None:
    await deploy(system, app_id, 2)
    await delete_app(system.context, app_id, system.actor)
    await system.settle()
    assert not (system.context.layout.kept_output / app_id).exists()


def test_a_flood_is_capped_to_its_end(system: System) -> None:
    kept, now = source(system).kept, system.context.clock.now()
    kept.write("app_1", "ins_1", (LogLine(now, "stdout", f"{number} " + "x" * 200) for number in range(10_000)))
    lines = kept.read("app_1", "ins_1")
    assert lines[-1].message.startswith("9999 ")
    assert MOST_BYTES * 0.9 < (kept.root / "app_1" / "ins_1.log").stat().st_size <= MOST_BYTES


def test_an_app_keeps_few_files_and_a_line_comes_back_as_it_was(system: System) -> None:
    kept, line = source(system).kept, LogLine(system.context.clock.now(), "stderr", "  two  words ü\r")
    for number in range(MOST_FILES + 3):
        kept.write("app_1", f"ins_{number}", [line])
    assert len(kept.instances("app_1")) == MOST_FILES
    assert kept.read("app_1", kept.instances("app_1")[0]) == [line]
    kept.prune({"app_2"})
    assert kept.instances("app_1") == []

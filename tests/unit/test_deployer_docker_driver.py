"""From a release to a ready container on a simulated engine: what is asked of it, and what is said when it fails."""

import asyncio
from dataclasses import replace

import pytest

from slipyard.clients.container_engine_fake import FakeContainerEngine
from slipyard.clients.simulated_container import Behaviour
from slipyard.deployer.docker import DockerDriver
from slipyard.deployer.driver import AppNetwork, InstanceSpec
from slipyard.domain.errors import Conflict, NotFound, RolloutFailed, Unavailable, UserError
from slipyard.domain.health import HealthCheck
from slipyard.domain.resources import Resources
from tests.unit.virtual_clock import VirtualClock, passing

NETWORK = AppNetwork("app_1", "10.201.0.0/26")


@pytest.fixture
async def clock():
    async with passing(VirtualClock()) as clock:
        yield clock


@pytest.fixture
def engine(clock):
    return FakeContainerEngine(clock)


@pytest.fixture
def driver(engine, clock):
    return DockerDriver(engine, "inst1", clock, engine.probe)


def instance(**changes) -> InstanceSpec:
    spec = InstanceSpec(
        instance_id="ins_1",
        app_id="app_1",
        app_slug="shop",
        deployment_id="dep_1",
        release_id="rel_1",
        service="web",
        image="app:1",
        address="10.201.0.2",
        port=3000,
        env={"PORT": "3000"},
        command=None,
        resources=Resources(),
        health_check=HealthCheck(start_period=60),
    )
    return replace(spec, **changes)


async def rolled_out(driver, spec):
    await driver.ensure_network(NETWORK)
    await driver.ensure_image(spec.image, pull=False)
    container_id = await driver.start(spec)
    await driver.wait_ready(spec, container_id)
    return container_id


async def failure(driver, spec) -> RolloutFailed:
    with pytest.raises(RolloutFailed) as caught:
        await rolled_out(driver, spec)
    return caught.value


async def test_an_app_that_exits_is_noticed_at_once_with_its_code_and_last_lines(engine, driver, clock):
    output = tuple(f"line {number}" for number in range(1, 31))
    engine.add_image("app:1", Behaviour(ready_after=99, exits_after=0.4, exit_code=3, output=output))
    error = await failure(driver, instance())
    assert "web instance exited with code 3 after 0.4 s" in error.message
    assert error.log_tail == tuple(f"line {number}" for number in range(11, 31))
    assert clock.monotonic() < 1


async def test_an_app_that_is_killed_for_its_memory_is_told_so(engine, driver):
    engine.add_image("app:1", Behaviour(ready_after=99, exits_after=2, exit_code=137, out_of_memory=True))
    assert "ran out of memory after 2.0 s" in (await failure(driver, instance())).message


async def test_a_command_that_is_not_there_is_told_so(engine, driver):
    engine.add_image("app:1", Behaviour(ready_after=99, exits_after=0, exit_code=127))
    assert "its command was not found in the image" in (await failure(driver, instance())).message


async def test_an_app_that_never_answers_fails_at_its_deadline_and_hears_what_to_do(engine, driver, clock):
    engine.add_image("app:1", Behaviour(port=8080))
    error = await failure(driver, instance())
    assert "not ready within 60 s: it did not answer: connection refused on port 3000" in error.message
    assert "the app must listen on 0.0.0.0:$PORT" in error.message
    assert 59 < clock.monotonic() <= 60


async def test_an_app_that_answers_badly_hears_the_status(engine, driver):
    engine.add_image("app:1", Behaviour(complaint="answered 500 on /healthz"))
    error = await failure(driver, instance(health_check=HealthCheck(path="/healthz", start_period=5)))
    assert "not ready within 5 s: it answered 500 on /healthz" in error.message


async def test_a_command_inside_that_fails_is_not_ready_and_says_its_last_line(engine, driver):
    engine.add_image("app:1", Behaviour(command_fails="no such table"))
    check = HealthCheck(command=("check", "db"), start_period=5)
    error = await failure(driver, instance(health_check=check))
    assert "failed its health command with exit code 1: no such table" in error.message
    assert set(engine.executed) == {("check", "db")}


async def test_a_line_is_run_by_the_shell_of_the_image(engine, driver):
    engine.add_image("app:1")
    await rolled_out(driver, instance(health_check=HealthCheck(command="test -f /ready")))
    assert engine.executed == [("/bin/sh", "-c", "test -f /ready")]


async def test_a_command_alone_makes_nothing_ready_that_accepts_no_connections(engine, driver):
    engine.add_image("app:1", Behaviour(port=8080))
    error = await failure(driver, instance(health_check=HealthCheck(command="true", start_period=5)))
    assert "did not answer: connection refused on port 3000" in error.message
    assert engine.executed == []


async def test_a_worker_is_ready_when_its_command_says_so(engine, driver):
    engine.add_image("app:1", Behaviour(command_fails="not yet"))
    check = HealthCheck(command="true", start_period=3)
    error = await failure(driver, instance(service="worker", port=None, health_check=check))
    assert "The worker instance was not ready within 3 s: it failed its health command" in error.message


async def test_a_check_by_command_without_one_fails_at_once(engine, driver, clock):
    engine.add_image("app:1")
    error = await failure(driver, instance(health_check=HealthCheck(type="command")))
    assert "give health_check.command" in error.message
    assert clock.monotonic() < 1


async def test_a_container_that_somebody_removed_is_told_so(engine, driver, clock):
    engine.add_image("app:1", Behaviour(ready_after=99))
    await driver.ensure_network(NETWORK)
    container_id = await driver.start(instance())
    engine.fail_next("wait", NotFound("no such container"))
    with pytest.raises(NotFound):
        await driver.wait_ready(instance(), container_id)


async def test_output_that_cannot_be_read_hides_no_reason(engine, driver):
    engine.add_image("app:1", Behaviour(ready_after=99, exits_after=0, exit_code=3))
    engine.fail_next("logs", Unavailable("away"))
    error = await failure(driver, instance())
    assert "exited with code 3" in error.message
    assert error.log_tail == ("(the output could not be read: away)",)


async def test_what_the_engine_blames_on_the_request_is_the_releases_fault(engine, driver):
    engine.add_image("app:1")
    engine.fail_next("start", UserError("no such user: joe"))
    assert "web instance could not be started. no such user: joe" in (await failure(driver, instance())).message


async def test_an_engine_that_is_away_is_not_the_releases_fault(engine, driver):
    engine.add_image("app:1")
    engine.fail_next("start", Unavailable("away"))
    with pytest.raises(Unavailable):
        await rolled_out(driver, instance())


async def test_another_owner_of_the_name_is_left_alone(engine, driver):
    engine.add_image("app:1")
    await driver.ensure_network(NETWORK)
    await driver.start(instance())
    with pytest.raises(Conflict):
        await driver.start(instance(release_id="rel_2"))


async def test_a_later_deployment_of_the_release_takes_the_container_over_as_it_is(engine, driver):
    engine.add_image("app:1")
    await driver.ensure_network(NETWORK)
    container_id = await driver.start(instance())
    await driver.pause(container_id)
    assert await driver.start(instance(deployment_id="dep_2")) == container_id
    seen = await driver.look(instance().instance_id)
    assert (seen.running, seen.paused) == (True, False)


async def test_the_path_to_live_asks_the_engine_three_things(engine, driver):
    engine.add_image("app:1")
    await driver.ensure_network(NETWORK)
    engine.calls.clear()
    await rolled_out(driver, instance())
    assert engine.calls == {"image": 1, "create_container": 1, "start": 1}


async def test_a_slow_start_costs_one_question_more(engine, driver):
    engine.add_image("app:1", Behaviour(ready_after=20))
    await driver.ensure_network(NETWORK)
    engine.calls.clear()
    await rolled_out(driver, instance())
    assert engine.calls == {"image": 1, "create_container": 1, "start": 1, "wait": 1}


@pytest.mark.parametrize("ready_after", [0.0, 0.004, 0.1, 3.0])
async def test_readiness_is_seen_soon_after_it_begins(engine, driver, clock, ready_after):
    engine.add_image("app:1", Behaviour(ready_after=ready_after))
    await rolled_out(driver, instance())
    assert ready_after <= clock.monotonic() <= ready_after * 2 + 0.001
    assert clock.monotonic() <= ready_after + 0.25


async def test_a_worker_is_ready_when_it_did_not_die_in_its_first_second(engine, driver):
    engine.add_image("app:1", Behaviour(exits_after=0.9, exit_code=1))
    assert "exited with code 1" in (await failure(driver, instance(service="worker", port=None))).message
    engine.add_image("app:2")
    await rolled_out(driver, instance(instance_id="ins_2", image="app:2", address="10.201.0.3", port=None))


async def test_a_second_attempt_finds_the_container_of_the_first(engine, driver):
    engine.add_image("app:1")
    await driver.ensure_network(NETWORK)
    first = await driver.start(instance())
    assert await driver.start(instance()) == first
    assert len(await driver.observe()) == 1


async def test_a_network_that_somebody_removed_is_made_again(engine, driver):
    engine.add_image("app:1")
    await driver.ensure_network(NETWORK)
    await engine.remove_network("slipyard-inst1-app_1")
    container_id = await driver.start(instance())
    assert (await engine.container(container_id)).running


async def test_an_image_is_pulled_where_it_is_missing_or_always_when_asked(engine, driver):
    engine.publish("app:1")
    await driver.ensure_image("app:1", pull=False)
    await driver.ensure_image("app:1", pull=False)
    assert engine.calls["pull"] == 1
    await driver.ensure_image("app:1", pull=True)
    assert engine.calls["pull"] == 2
    with pytest.raises(NotFound):
        await driver.ensure_image("app:2", pull=False)


async def test_retiring_stops_and_removes_and_may_be_repeated(engine, driver):
    engine.add_image("app:1")
    await rolled_out(driver, instance())
    await driver.retire("ins_1", 10)
    await driver.retire("ins_1", 10)
    assert await driver.look("ins_1") is None
    assert list(await driver.observe()) == []


async def test_only_things_of_this_installation_are_seen(engine, driver, clock):
    engine.add_image("app:1")
    await rolled_out(driver, instance())
    other = DockerDriver(engine, "inst2", clock, engine.probe)
    assert list(await other.observe()) == []
    assert await other.look("ins_1") is None
    await other.retire("ins_1", 0)
    [seen] = await driver.observe()
    assert (seen.instance_id, seen.app_id, seen.running) == ("ins_1", "app_1", True)


async def test_a_crash_is_reported_with_the_instance_and_the_stream_ends_with_the_engine(engine, driver, clock):
    engine.add_image("app:1")
    container_id = await rolled_out(driver, instance())
    events = driver.events()
    first = asyncio.ensure_future(anext(events))
    await clock.sleep(0.001)
    engine.crash(container_id)
    event = await first
    assert (event.action, event.instance_id, event.app_id) == ("die", "ins_1", "app_1")
    engine.down = True
    assert [event async for event in events] == []

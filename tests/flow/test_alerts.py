"""An alert of an app is told once when it fires and once when it is over, to notifiers that asked, with what it is about."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.alert import AlertMetric, AlertState
from slipyard.domain.app import AppConfig
from slipyard.domain.errors import ValidationFailed
from slipyard.domain.health import HealthCheck
from slipyard.domain.traffic import TrafficCount
from slipyard.domain.usage import Consumed, Usage
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.delete_app import delete_app
from slipyard.pipeline.deploy_app import DeployRequest, deploy_app
from slipyard.pipeline.observing.alerts import NewAlert, change_alert, make_alert, remove_alert, silence_alert
from slipyard.pipeline.observing.judge_alerts import judge_alerts
from slipyard.pipeline.telling.notifiers import NewNotifier, make_notifier
from slipyard.store.queries.alerts import alerts_of, find_alert
from slipyard.store.series.files import Measured, SeriesFiles
from slipyard.store.series.ring import FINE
from slipyard.store.series.series import traffic_series, usage_series
from slipyard.store.tables import Alert, Event, Message
from tests.flow.system import System

GOOD, BAD = "registry.test/shop:1", "registry.test/shop:2"


@pytest.fixture
async def app_id(system: System) -> str:
    system.engine.publish(GOOD)
    system.engine.publish(BAD, Behaviour(exits_after=0.0, exit_code=3))
    config = AppConfig(health_check=HealthCheck(start_period=1))
    return (await create_app(system.context, NewApp("shop", config=config), system.actor)).app.id


class Later:
    """The wall clock, pushed forward."""

    def __init__(self, system: System) -> None:
        self.ahead = timedelta()
        self._now = system.clock.now
        system.clock.now = self.now  # type: ignore[method-assign]

    def now(self) -> datetime:
        return self._now() + self.ahead


def use(system: System, app_id: str, percent: float) -> None:
    """Measured now, of the memory."""
    files = SeriesFiles(system.context.layout.metrics)
    moment = FINE.begin(system.clock.now().timestamp())
    value = Usage(memory=percent, memory_limit=100)
    usage_series(files.usage(app_id, Measured("service", "web"))).record(moment, value, Consumed())


async def judge(system: System, later: Later, app_id: str, percent: float, seconds: float = 60) -> None:
    later.ahead += timedelta(seconds=seconds)
    use(system, app_id, percent)
    await judge_alerts(system.context)


def standing(system: System, row: Alert) -> Alert:
    return system.read(lambda session: find_alert(session, row.app_id, row.id))


def said(system: System, app_id: str) -> list[tuple[str, str]]:
    query = select(Event).where(Event.app_id == app_id).order_by(Event.sequence)
    rows = system.read(lambda session: session.exec(query).all())
    return [(row.kind, row.message) for row in rows if row.kind.startswith("alert.")]


async def payloads(system: System) -> list[dict[str, Any]]:
    await system.control("tell")
    rows = system.read(lambda session: session.exec(select(Message).order_by(Message.id)).all())
    return [row.payload for row in rows if row.payload["type"] in {"app.alert", "app.resolved"}]


async def test_bounds_that_make_no_sense_are_refused(system: System, app_id: str) -> None:
    with pytest.raises(ValidationFailed, match="above the threshold"):
        await make_alert(system.context, app_id, NewAlert(AlertMetric.CPU, threshold=50, resolve_below=60))


async def test_it_is_told_once_when_it_fires_and_once_when_it_is_over(system: System, app_id: str) -> None:
    await make_notifier(
        system.context, NewNotifier("ops", "webhook", "https://example.com/x", ["alert", "resolved"]), system.actor
    )
    row, later = await make_alert(system.context, app_id, NewAlert(AlertMetric.MEMORY, seconds=120)), Later(system)
    for percent in (95, 96, 97, 99, 88, 87):
        await judge(system, later, app_id, percent)
    assert [kind for kind, _ in said(system, app_id)] == ["alert.firing"]
    for percent in (50, 50, 50, 50):
        await judge(system, later, app_id, percent)
    fired, over = await payloads(system)
    assert (fired["type"], over["type"]) == ("app.alert", "app.resolved")
    assert "the memory of web at 97 %, at or above 90 % for 120 s" in fired["data"]["message"]
    assert fired["data"]["alert"]["link"].endswith("/v1/apps/shop/metrics?range=1h")
    assert (fired["data"]["alert"]["id"], fired["data"]["alert"]["value"]) == (row.id, 97.0)
    assert standing(system, row).state is AlertState.OK


async def test_a_notifier_that_did_not_ask_is_told_nothing(system: System, app_id: str) -> None:
    await make_notifier(
        system.context, NewNotifier("ops", "webhook", "https://example.com/x", ["deployed"]), system.actor
    )
    await make_alert(system.context, app_id, NewAlert(AlertMetric.MEMORY, seconds=0))
    await judge(system, Later(system), app_id, 95)
    assert said(system, app_id)
    assert await payloads(system) == []


async def test_a_silence_is_kept_and_what_still_fires_afterwards_is_told_then(system: System, app_id: str) -> None:
    row, later = await make_alert(system.context, app_id, NewAlert(AlertMetric.MEMORY, seconds=0)), Later(system)
    await silence_alert(system.context, app_id, row.id, 600)
    await judge(system, later, app_id, 95)
    await judge(system, later, app_id, 50)  # over, and nobody heard of it
    await judge(system, later, app_id, 95)
    assert (said(system, app_id), standing(system, row).state) == ([], AlertState.FIRING)
    await judge(system, later, app_id, 95, seconds=600)
    assert [kind for kind, _ in said(system, app_id)] == ["alert.firing"]


async def test_what_stopped_is_over(system: System, app_id: str) -> None:
    await make_alert(system.context, app_id, NewAlert(AlertMetric.MEMORY, seconds=0))
    later = Later(system)
    await judge(system, later, app_id, 95)
    later.ahead += timedelta(seconds=600)
    await judge_alerts(system.context)
    assert [kind for kind, _ in said(system, app_id)] == ["alert.firing", "alert.resolved"]
    assert "nothing is measured any more" in said(system, app_id)[-1][1]


async def test_few_errors_are_chance_and_many_are_not(system: System, app_id: str) -> None:
    await make_alert(system.context, app_id, NewAlert(AlertMetric.ERRORS, seconds=0))
    files, later = SeriesFiles(system.context.layout.metrics), Later(system)
    series = traffic_series(files.traffic(app_id, Measured("service", "web")))
    for errors in (2, 10):
        count = TrafficCount()
        for status in [200] * 10 + [502] * errors:
            count.add(status, 0.01)
        later.ahead += timedelta(seconds=15)
        series.record(FINE.begin(system.clock.now().timestamp()), count.value(), count.value())
        await judge_alerts(system.context)
        assert bool(said(system, app_id)) is (errors > 2)


async def test_a_failed_deployment_is_linked_and_over_with_the_next_good_one(system: System, app_id: str) -> None:
    await make_alert(system.context, app_id, NewAlert(AlertMetric.FAILED_DEPLOYMENT))
    await deploy_app(system.context, app_id, DeployRequest(image=BAD), system.actor)
    await system.settle()
    await judge_alerts(system.context)
    ((kind, message),) = said(system, app_id)
    assert kind == "alert.firing"
    assert f"/v1/apps/shop/deployments/{system.deployments(app_id)[-1].id}" in message
    await deploy_app(system.context, app_id, DeployRequest(image=GOOD), system.actor)
    await system.settle()
    await judge_alerts(system.context)
    assert [kind for kind, _ in said(system, app_id)] == ["alert.firing", "alert.resolved"]


async def test_one_that_is_turned_off_or_removed_says_nothing_more(system: System, app_id: str) -> None:
    row, later = await make_alert(system.context, app_id, NewAlert(AlertMetric.MEMORY, seconds=0)), Later(system)
    await change_alert(system.context, app_id, row.id, {"enabled": False})
    await judge(system, later, app_id, 95)
    assert said(system, app_id) == []
    await change_alert(system.context, app_id, row.id, {"enabled": True, "threshold": 99.0})
    await judge(system, later, app_id, 95)
    await remove_alert(system.context, app_id, row.id)
    await judge(system, later, app_id, 100)
    assert said(system, app_id) == []


async def test_an_app_that_is_deleted_leaves_no_alert(system: System, app_id: str) -> None:
    await make_alert(system.context, app_id, NewAlert(AlertMetric.MEMORY))
    await delete_app(system.context, app_id, system.actor)
    await system.settle()
    assert system.read(lambda session: alerts_of(session, app_id)) == []

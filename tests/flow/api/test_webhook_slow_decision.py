"""A delivery that is written down is acknowledged, however long it takes to decide it, or if that fails."""

import asyncio
from datetime import timedelta

import pytest
from sqlmodel import Session

from slipyard.pipeline.context import Context
from slipyard.pipeline.pushes.keep_decision import keep_decision
from slipyard.pipeline.pushes.push_seen import PushDecision
from slipyard.store.tables import App
from slipyard.webhooks import verdicts, write_delivery
from slipyard.webhooks.decide_for_app import Message
from slipyard.webhooks.left_open import decide_left_open
from tests.flow.api.api_server import ApiServer, until
from tests.flow.api.github_deliveries import Hook, branch_push


def _asks_git(*_) -> None:
    """As where a push may be an older one and the mirror has it."""


def _breaks(session: Session, context: Context, message: Message, app: App) -> None:
    """In the middle of the transaction."""
    keep_decision(session, context, message.delivery.id, app.id, PushDecision("ignored", "half done"))
    raise OSError("disk full")


async def test_one_whose_deciding_at_once_breaks_is_decided_afterwards(
    quiet_api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = await Hook.make(quiet_api)
    monkeypatch.setattr(write_delivery, "decide_at_once", _breaks)

    answer = await hook.deliver(branch_push())

    assert [verdict["status"] for verdict in answer.json()] == ["deployed"]
    assert [delivery["verdict"] for delivery in await hook.deliveries()] == ["deployed"]


async def test_one_that_is_decided_late_is_acknowledged_before(
    quiet_api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, gate, decide = await Hook.make(quiet_api), asyncio.Event(), verdicts.decide_delivery

    async def late(*asked):
        await gate.wait()
        return await decide(*asked)

    monkeypatch.setattr(write_delivery, "decide_at_once", _asks_git)
    monkeypatch.setattr(verdicts, "decide_delivery", late)
    monkeypatch.setattr(verdicts, "ANSWER_SECONDS", 0.01)

    answer = await hook.deliver(branch_push())
    gate.set()

    assert (answer.status_code, answer.json()[0]["status"]) == (202, "accepted")
    (delivery,) = await hook.deliveries()
    assert f"deliveries/{delivery['id']}" in answer.json()[0]["message"]

    async def decided() -> bool:
        return (await hook.deliveries())[0]["verdict"] == "deployed"

    await until(decided)


async def test_one_that_could_not_be_decided_is_decided_again(
    quiet_api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = await Hook.make(quiet_api)

    async def broken(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(write_delivery, "decide_at_once", _breaks)
        patched.setattr(verdicts, "decide_delivery", broken)
        answer = await hook.deliver(branch_push())

    assert (answer.status_code, answer.json()[0]["status"]) == (202, "accepted")

    async def decided() -> bool:
        await decide_left_open(quiet_api.context, timedelta(0))
        return (await hook.deliveries())[0]["verdict"] == "deployed"

    await until(decided)
    assert len(await hook.deployments()) == 1

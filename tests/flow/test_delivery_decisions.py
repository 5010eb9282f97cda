"""A delivery that was written down is decided once for each app, by whoever gets to it first; on both databases."""

import asyncio
import hashlib
import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlmodel import Session, select

from slipyard.domain.app import AppConfig
from slipyard.domain.ids import new_id
from slipyard.domain.source import Source, SourceType
from slipyard.domain.triggers import Triggers
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.store.pruning import prune_deliveries, prune_delivery_bodies
from slipyard.store.queries.deliveries import DeliveryFilter, caused_by, find_delivery, list_deliveries
from slipyard.store.tables import App, Decision, Delivery, Hook, Organization
from slipyard.webhooks.decide import decide_delivery
from slipyard.webhooks.left_open import decide_left_open
from slipyard.webhooks.replay import replay_delivery
from tests.flow.system import System

URL = "https://git.example.org/team/shop.git"
ONE, TWO, THREE = ("1" * 40, "2" * 40, "3" * 40)


async def new_app(system: System, name: str = "shop", **fields: Any) -> App:
    config = AppConfig(source=fields.pop("source", Source(repo_url=URL)), **fields)
    return (await create_app(system.context, NewApp(name, config=config, deploy=False), system.actor)).app


def hook_of(system: System, app: App, provider: str = "gitea") -> Hook:
    hook = Hook(
        id=new_id("hok"),
        app_id=app.id,
        provider=provider,
        secret_encrypted=b"-",
        waiting_since=system.clock.now(),
        created_at=system.clock.now(),
    )
    with system.context.database.write() as session:
        session.add(hook)
    return hook


def delivered(system: System, hook: Hook, payload: dict[str, Any], event: str = "push") -> str:
    """Written down, as it is before the answer; not decided."""
    body = json.dumps(payload).encode()
    row = Delivery(
        id=new_id("dlv"),
        hook_id=hook.id,
        app_id=hook.app_id,
        provider_id=new_id("req"),
        event=event,
        headers={"x-gitea-event": event, "content-type": "application/json"},
        body=body,
        body_bytes=len(body),
        body_digest=hashlib.sha256(body).hexdigest(),
        received_at=system.clock.now(),
    )
    with system.context.database.write() as session:
        session.add(row)
    return row.id


def pushed(after: str, before: str = "", message: str = "", ref: str = "refs/heads/main") -> dict[str, Any]:
    commit = {"id": after, "message": message, "added": [], "removed": [], "modified": ["main.py"]}
    return {"ref": ref, "before": before or "0" * 40, "after": after, "head_commit": commit, "commits": [commit]}


def decisions(system: System, delivery_id: str) -> dict[str, str]:
    query = select(Decision.app_id, Decision.verdict).where(Decision.delivery_id == delivery_id)
    return system.read(lambda session: dict(session.exec(query).all()))


async def test_ten_who_decide_the_same_at_once_decide_it_once(system: System) -> None:
    apps = [await new_app(system, name) for name in ("shop", "docs")]
    delivery = delivered(system, hook_of(system, apps[0]), pushed(ONE))

    answers = await asyncio.gather(*(decide_delivery(system.context, delivery) for _ in range(10)))

    assert all(answer == answers[0] for answer in answers)
    assert [verdict.status for verdict in answers[0]] == ["deployed", "deployed"]
    assert [len(system.deployments(app.id)) for app in apps] == [1, 1]


async def test_a_commit_that_is_announced_again_and_shuffled_is_decided_once(system: System) -> None:
    app = await new_app(system)
    hooks = [hook_of(system, app), hook_of(system, app)]
    chain = [pushed(ONE), pushed(TWO, ONE), pushed(THREE, TWO)]
    rows = [delivered(system, hook, payload) for payload in (chain[2], chain[0], chain[1]) for hook in hooks]

    for row in rows:
        await decide_delivery(system.context, row)

    verdicts = [decisions(system, row)[app.id] for row in rows]
    # Nobody knows that `one` is older before `two` was heard of. Its build takes the branch's head all the same.
    assert verdicts == ["deployed", "ignored", "deployed", "ignored", "superseded", "superseded"]
    assert system.app(app.id).decided_commit == THREE
    assert {build.ref for build in system.builds(app.id)} == {"main"}


async def test_what_a_dead_process_left_open_is_decided_by_the_next(system: System) -> None:
    app = await new_app(system)
    hook = hook_of(system, app)
    rows = [delivered(system, hook, pushed(ONE)), delivered(system, hook, {"zen": "x"}, "ping")]

    assert await decide_left_open(system.context, timedelta(0)) == 2
    assert await decide_left_open(system.context, timedelta(0)) == 0
    assert [decisions(system, row)[app.id] for row in rows] == ["deployed", "ignored"]


async def test_a_delivery_that_cannot_be_read_any_more_is_ignored_with_the_reason(system: System) -> None:
    app = await new_app(system)

    (verdict,) = await decide_delivery(system.context, delivered(system, hook_of(system, app), {"ref": 1}))

    assert verdict.status == "ignored"
    assert "`ref` in this delivery" in verdict.message


async def test_previews_do_not_follow_the_pushes_of_their_apps_repository(system: System) -> None:
    app, preview = await new_app(system), await new_app(system, "shop-pr-1")
    with system.context.database.write() as session:
        session.get_one(App, preview.id).parent_id = app.id

    (verdict,) = await decide_delivery(system.context, delivered(system, hook_of(system, app), pushed(ONE)))

    assert verdict.app == "shop"


async def test_apps_of_another_organization_hear_nothing(system: System) -> None:
    app, other = await new_app(system), await new_app(system, "other")
    with system.context.database.write() as session:
        session.get_one(App, other.id).organization_id = other_organization(system, session)

    (verdict,) = await decide_delivery(system.context, delivered(system, hook_of(system, app), pushed(ONE)))

    assert verdict.app == "shop"


@pytest.mark.parametrize("payload", [pushed(ONE, message="x [skip ci]"), pushed(ONE, ref="refs/heads/x")])
async def test_the_first_push_ends_the_waiting_whatever_was_decided(system: System, payload: dict[str, Any]) -> None:
    hook = hook_of(system, await new_app(system))

    await decide_delivery(system.context, delivered(system, hook, {}, "ping"))
    waiting = system.read(lambda session: session.get_one(Hook, hook.id).waiting_since)
    await decide_delivery(system.context, delivered(system, hook, payload))

    assert waiting is not None
    assert system.read(lambda session: session.get_one(Hook, hook.id).waiting_since) is None


async def test_the_push_that_was_held_says_what_became_of_it(system: System) -> None:
    app = await new_app(system, triggers=Triggers(after_check="ci/test"))
    hook = hook_of(system, app)
    held = delivered(system, hook, pushed(ONE))
    status = {"sha": ONE, "context": "ci/test", "state": "success", "branches": []}
    passed = delivered(system, hook, status, "status")
    for row in (held, passed):
        await decide_delivery(system.context, row)

    first, second = (system.read(partial(find_delivery, app_id=app.id, delivery_id=row)) for row in (held, passed))
    (deployment,) = system.deployments(app.id)
    assert (first.decision.verdict, second.decision.verdict) == ("skipped", "deployed")
    assert "which passed" in first.delivery.reason
    assert {first.delivery.deployment_id, second.delivery.deployment_id} == {deployment.id}


async def test_the_ledger_of_an_app_has_what_concerned_it(system: System) -> None:
    shop, docs = await new_app(system), await new_app(system, "docs", auto_deploy=False)
    image = await new_app(system, "image", source=Source(type=SourceType.IMAGE, image="nginx"))
    delivery = delivered(system, hook_of(system, shop), pushed(ONE))
    await decide_delivery(system.context, delivery)
    replayed = await replay_delivery(system.context, shop, delivery, "dev", force=True)

    def listed(app: App, **wanted: Any) -> list[str | None]:
        rows, total = system.read(lambda s: list_deliveries(s, app.id, 10, 0, DeliveryFilter(**wanted)))
        assert total == len(rows)
        return [row.decision.verdict if row.decision else None for row in rows]

    assert listed(shop) == ["deployed", "deployed"]
    assert listed(docs) == ["ignored", "ignored"]
    assert listed(docs, verdict="deployed") == listed(image) == []
    caused = system.read(lambda session: caused_by(session, delivery))
    assert (set(caused.slugs.values()), list(caused.replays)) == ({"shop", "docs"}, [replayed.delivery_id])
    assert len(caused.deployments) == len(caused.builds) == 1
    assert len(caused.pushes) == 2


async def test_retention_by_size_and_by_age(system: System) -> None:
    app = await new_app(system)
    hook = hook_of(system, app)
    rows = [delivered(system, hook, pushed(f"{number:040x}")) for number in range(1, 4)]
    for row in rows[:2]:
        await decide_delivery(system.context, row)

    with system.context.database.write() as session:
        assert prune_delivery_bodies(session, most_bytes=1) == 2  # the third is not decided yet
        assert prune_deliveries(session, system.clock.now() + timedelta(days=31)) == 2

    assert [row.delivery.id for row in system.read(lambda s: list_deliveries(s, app.id, 10, 0)[0])] == rows[2:]


def other_organization(system: System, session: Session) -> str:
    row = Organization(id=new_id("org"), slug="others", name="Others", created_at=system.clock.now())
    session.add(row)
    session.flush()
    return row.id

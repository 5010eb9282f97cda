"""Which old pushes go, and that nothing about a ref's order is forgotten with them."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from slipyard.domain.push_rules import Rule
from slipyard.store.prune_pushes import prune_pushes
from slipyard.store.queries.pushes import compared_with, decided_head, ref_history
from slipyard.store.tables import Push
from tests.unit.store.rows import NOW, add_app, add_build, add_deployment

MAIN, TOPIC = "refs/heads/main", "refs/heads/topic"
KEPT = timedelta(days=30)


@pytest.fixture
def session(database):
    with database.write() as session:
        yield session


@pytest.fixture
def app(session):
    return add_app(session)


def commit(number):
    return f"{number:040x}"


def add_push(session, app, number, decision="accepted", ref=MAIN, days=40, rule=Rule.BRANCH):
    """Each begins where the one numbered before it ended."""
    row = Push(
        id=f"psh_{app.slug}{number:020}",
        app_id=app.id,
        ref=ref,
        commit=commit(number),
        previous=commit(number - 1),
        trigger="github",
        actor="someone",
        decision=decision,
        rule=rule,
        reason="-",
        created_at=NOW - timedelta(days=days),
    )
    session.add(row)
    session.flush()
    return row


def numbers(session, app):
    rows = session.exec(select(Push.commit).where(Push.app_id == app.id).order_by(col(Push.id)))
    return [int(row, 16) for row in rows]


def test_young_pushes_stay(session, app):
    for number in range(1, 40):
        add_push(session, app, number, days=29)
    assert prune_pushes(session, NOW, KEPT) == 0


def test_refs_that_deploy_nothing_are_forgotten(session, app):
    for number in range(1, 4):
        add_push(session, app, number, "ignored", TOPIC)
    add_push(session, app, 4, "ignored", TOPIC, days=1)
    assert prune_pushes(session, NOW, KEPT) == 3
    assert numbers(session, app) == [4]


def test_a_ref_that_is_gone_is_forgotten_and_one_that_came_back_is_not(session, app):
    add_push(session, app, 1, ref=TOPIC)
    add_push(session, app, 2, "ignored", TOPIC, rule=Rule.DELETED)
    add_push(session, app, 3, ref="refs/heads/back")
    add_push(session, app, 4, "ignored", "refs/heads/back", rule=Rule.DELETED)
    add_push(session, app, 5, ref="refs/heads/back")
    assert prune_pushes(session, NOW, KEPT) == 2
    assert numbers(session, app) == [3, 4, 5]


def test_what_waits_for_its_check_stays(session, app):
    add_push(session, app, 1, "held")
    for number in range(2, 30):
        add_push(session, app, number, "superseded")
    prune_pushes(session, NOW, KEPT)
    assert 1 in numbers(session, app)


def test_the_last_decided_and_the_last_deployed_stay_however_many_came_after(session, app):
    app.decided_commit = commit(2)
    add_deployment(session, app, build_id=add_build(session, app).id)
    add_push(session, app, 1)
    add_push(session, app, 2, "skipped", rule=Rule.SKIP_MARKER)
    for number in range(3, 60):
        add_push(session, app, number, "ignored", rule=Rule.AUTO_DEPLOY)
    before = (decided_head(session, app, MAIN), compared_with(session, app, MAIN, commit(59)))

    assert prune_pushes(session, NOW, KEPT) == 37

    assert numbers(session, app) == [1, 2, *range(40, 60)]
    assert (decided_head(session, app, MAIN), compared_with(session, app, MAIN, commit(59))) == before


def test_what_was_heard_in_another_order_keeps_its_head(session, app):
    for place, number in enumerate((*range(1, 40), 42, 40, 41)):
        row = add_push(session, app, number, days=40)
        row.id = f"psh_shop{place:020}"
    session.flush()
    head = ref_history(session, app.id, MAIN).head

    prune_pushes(session, NOW, KEPT)

    history = ref_history(session, app.id, MAIN)
    assert head == history.head == commit(42)
    assert history.is_late(commit(41), commit(40))


def test_apps_do_not_count_for_each_other(session, app):
    other = add_app(session, "other")
    for number in range(1, 16):
        add_push(session, app, number)
        add_push(session, other, number)
    assert prune_pushes(session, NOW, KEPT) == 0
    for number in range(16, 31):
        add_push(session, app, number)
    assert prune_pushes(session, NOW, KEPT) == 10
    assert prune_pushes(session, NOW, KEPT) == 0
    assert len(numbers(session, other)) == 15

"""Looking for pushes whose receiver was killed: each is found, and a pass costs the same however many apps there are."""

import pytest
from sqlalchemy import event

from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.pushes import find_pushes as module
from slipyard.pipeline.pushes.find_pushes import PushWatch, find_pushes
from tests.flow.repository import Repository
from tests.flow.system import System
from tests.flow.test_push_to_live import QUICK


@pytest.fixture
def few_in_a_pass(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(module, "_APPS_IN_A_PASS", 2)
    return 2


async def lost_pushes(system: System, repository: Repository, count: int) -> list[str]:
    """Apps whose branch moved without anybody having decided it."""
    repository.commit("one", main__py="1")
    apps = []
    for number in range(count):
        made = await create_app(system.context, NewApp(f"shop-{number}", config=QUICK), system.actor)
        repository.push(system.context.layout.repository(made.app.id))
        apps.append(made.app.id)
    return apps


async def test_each_lost_push_is_decided_once_its_turn_came(
    system: System, repository: Repository, few_in_a_pass: int
) -> None:
    apps = await lost_pushes(system, repository, 5)
    watch = PushWatch()

    await find_pushes(system.context, watch)
    assert len(watch.undecided) == few_in_a_pass
    for _ in range(3):
        await find_pushes(system.context, watch)

    assert [len(system.builds(app_id)) for app_id in apps] == [1] * 5
    assert watch.undecided == {}


async def test_what_stands_still_is_not_asked_for_again(system: System, repository: Repository) -> None:
    await lost_pushes(system, repository, 3)
    watch = PushWatch()
    for _ in range(3):
        await find_pushes(system.context, watch)
    statements: list[str] = []
    event.listen(system.context.database.reader, "before_cursor_execute", lambda *call: statements.append(str(call[2])))

    await find_pushes(system.context, watch)

    assert len([each for each in statements if each != "BEGIN"]) == 1, statements

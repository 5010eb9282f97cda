"""Schedules that a repository names come, change and go with the release that is live."""

import json

from slipyard.pipeline.way_back.roll_back import roll_back
from slipyard.store.queries.schedules import schedules_of
from tests.flow.repository import Repository
from tests.flow.system import System
from tests.flow.test_push_to_live import new_app, push


def app_json(*schedules: tuple[str, str]) -> str:
    return json.dumps({"cron": [{"command": command, "schedule": schedule} for command, schedule in schedules]})


async def test_they_come_and_go_with_what_is_live(system: System, repository: Repository) -> None:
    def named(app_id: str) -> list[tuple[str, str, bool]]:
        rows = system.read(lambda session: schedules_of(session, app_id))
        return sorted((row.command[-1], row.cron, row.from_repository) for row in rows)

    app_id = await new_app(system)
    await push(system, app_id, repository, "one", app__json=app_json(("tidy", "0 3 * * *")))
    await system.settle()
    assert named(app_id) == [("tidy", "0 3 * * *", True)]

    await push(system, app_id, repository, "two", app__json=app_json(("send", "@hourly")))
    await system.settle()
    assert named(app_id) == [("send", "@hourly", True)]

    await roll_back(system.context, app_id, None, system.actor)
    await system.settle()
    assert named(app_id) == [("tidy", "0 3 * * *", True)]

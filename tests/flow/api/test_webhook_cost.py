"""What an answer to a delivery costs, in counts: they do not depend on the machine."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from slipyard.clients.git import Git
from slipyard.store.database import Database
from tests.flow.api.api_server import ApiServer
from tests.flow.api.github_deliveries import Hook, branch_push


class Counts:
    commits = 0
    statements = 0


@contextmanager
def counted(database: Database) -> Iterator[Counts]:
    counts = Counts()

    def commit(*_: object) -> None:
        counts.commits += 1

    def statement(*_: object) -> None:
        counts.statements += 1

    heard = [(database.writer, "commit", commit)]
    heard += [(engine, "before_cursor_execute", statement) for engine in (database.writer, database.reader)]
    for each in heard:
        event.listen(*each)
    try:
        yield counts
    finally:
        for each in heard:
            event.remove(*each)


async def test_a_push_is_written_down_decided_and_deployed_by_one_commit(quiet_api: ApiServer, monkeypatch) -> None:
    hook = await Hook.make(quiet_api)
    await hook.deliver(branch_push(before="0" * 40, after="1" * 40))
    monkeypatch.setattr(Git, "_run", None)  # no process is started

    with counted(quiet_api.context.database) as counts:
        answer = await hook.deliver(branch_push(before="1" * 40, after="2" * 40))

    assert answer.json()[0]["status"] == "deployed"
    assert counts.commits == 1
    assert counts.statements <= 32  # 12 of them take the waiting build and deployment out of the way


async def test_a_push_that_deploys_nothing_costs_one_commit_and_eleven_statements(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)

    with counted(quiet_api.context.database) as counts:
        answer = await hook.deliver(branch_push(ref="refs/heads/other"))

    assert answer.json()[0]["status"] == "ignored"
    assert counts.commits == 1
    assert counts.statements <= 11

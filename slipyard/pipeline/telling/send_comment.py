"""A comment of the outbox reaches its request: written once, and edited from then on."""

from dataclasses import dataclass

from sqlmodel import Session

from slipyard.domain.errors import CodeHostRefused
from slipyard.pipeline.context import Context
from slipyard.pipeline.outside.connect import code_host_for, repository_at
from slipyard.store.queries.connections import connection_for
from slipyard.store.tables import App, Connection, Message, Preview


@dataclass(frozen=True)
class _Where:
    connection: Connection
    repository: str
    row: Preview


async def send_comment(context: Context, message: Message) -> None:
    """One attempt. `CodeHostRefused` (a retry does not help) or `Unavailable`."""
    where = await context.database.reading(lambda session: _where(session, message))
    host = code_host_for(context, where.connection)
    before = where.row.comment_id
    written = await host.comment(where.repository, where.row.number, message.payload["text"], before)
    if written != before:
        await context.database.writing(lambda session: _keep(session, where.row.id, written))


def _where(session: Session, message: Message) -> _Where:
    row = session.get_one(Preview, message.target_id)
    app = session.get_one(App, row.app_id)
    connection = connection_for(session, app)
    if connection is None:
        raise CodeHostRefused(
            f"There is no connection to the code host of {app.slug} any more. Make one, to comment there."
        )
    return _Where(connection, repository_at(connection, app), row)


def _keep(session: Session, preview_id: str, comment_id: str) -> None:
    row = session.get_one(Preview, preview_id, with_for_update=True)
    row.comment_id = comment_id
    session.add(row)

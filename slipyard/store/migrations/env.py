"""Run by Alembic for every command, with the connection and its transaction from `store/migration.py`."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel import SQLModel

from slipyard.store import tables
from slipyard.store.columns import Json, UtcTime, Word

assert tables.App.metadata is SQLModel.metadata  # noqa: S101 - the import is what makes the metadata whole


def _in_plain_types(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """A migration names no type of ours: those may change, and what it once did may not."""
    if kind == "type" and isinstance(item, Json | Word):
        return "sa.Text()"
    if kind == "type" and isinstance(item, UtcTime):
        return "sa.DateTime(timezone=True)"
    return "sa.String()" if kind == "type" and type(item).__name__ == "AutoString" else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,  # SQLite changes a column by making the table anew
    render_item=_in_plain_types,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()

import sqlite3
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel

from slipyard.domain.errors import SystemFault
from slipyard.store import migration, tables
from slipyard.store.database import Database, sqlite_url
from slipyard.store.migration import migrate, newest_revision
from slipyard.store.schema import NEWEST, revision_of
from tests.unit.store.rows import add_app, add_build, saved_app

FAILING_STEP = '''
"""A step that fails after it has changed things."""
from alembic import op
import sqlalchemy as sa
revision = "9001"
down_revision = "{before}"
def upgrade() -> None:
    op.create_table("half", sa.Column("id", sa.Text))
    op.execute("DELETE FROM build")
    op.execute("DELETE FROM {table}")
'''

REBUILDING_STEP = '''
"""A step that makes a parent table anew."""
from alembic import op
import sqlalchemy as sa
revision = "9001"
down_revision = "{before}"
def upgrade() -> None:
    with op.batch_alter_table("app", recreate="always") as batch:
        batch.alter_column("description", type_=sa.Text())
'''


_SPACED = str.maketrans('()"', "   ")  # a table that was made anew is written with quotes


def schema(url):
    """Everything SQLite knows of the schema, as text that does not depend on the order of making."""
    with closing(sqlite3.connect(str(url.database))) as connection:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {
        (kind, name): sorted(part.split() for part in sql.translate(_SPACED).split(",")) for kind, name, sql in rows
    }


@pytest.fixture
def with_step(tmp_path, monkeypatch):
    """Makes the migrations one step longer."""

    def add(step, **names):
        copied = tmp_path / "migrations"
        copied.mkdir()
        (copied / "versions").mkdir()
        for file in migration._SCRIPTS.rglob("*.py"):
            (copied / file.relative_to(migration._SCRIPTS)).write_text(file.read_text())
        (copied / "versions" / "9001_step.py").write_text(step.format(before=NEWEST, **names))
        monkeypatch.setattr(migration, "_SCRIPTS", copied)

    return add


def test_a_step_that_fails_changes_nothing(database, tmp_path, with_step):
    with database.write() as session:
        add_build(session, add_app(session))
    before = schema(database.url)
    with_step(FAILING_STEP, table="no_such_table")
    with pytest.raises(Exception, match="no_such_table"):
        migrate(database.url, tmp_path / "backups")
    assert schema(database.url) == before
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM build")) == 1
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == NEWEST


def test_a_step_that_leaves_rows_without_their_parent_is_undone(database, tmp_path, with_step):
    with database.write() as session:
        add_build(session, add_app(session))
    with_step(FAILING_STEP, table="organization")
    with pytest.raises(SystemFault, match="was undone"):
        migrate(database.url, tmp_path / "backups")
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM organization")) == 1
        assert session.scalar(text("SELECT count(*) FROM build")) == 1


def test_a_table_that_is_made_anew_keeps_the_rows_that_point_to_it(database, tmp_path, with_step):
    with database.write() as session:
        add_build(session, add_app(session))
    with_step(REBUILDING_STEP)
    migrate(database.url, tmp_path / "backups")
    assert revision_of(database.url) == "9001"
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM build")) == 1


def test_a_copy_is_made_before_the_schema_changes(database, tmp_path, with_step):
    app = saved_app(database)
    with_step(REBUILDING_STEP)
    migrate(database.url, tmp_path / "backups")
    [copy] = (tmp_path / "backups").iterdir()
    assert copy.stat().st_mode & 0o077 == 0
    restored = Database(sqlite_url(copy))
    with restored.read() as session:
        assert session.get(tables.App, app.id).slug == "shop"
    restored.dispose()
    assert revision_of(sqlite_url(copy)) == NEWEST


def test_a_new_database_needs_no_copy(database, tmp_path):
    assert not (tmp_path / "backups").exists()


def test_a_database_that_was_never_prepared_has_no_revision(tmp_path):
    assert revision_of(sqlite_url(tmp_path / "empty.db")) is None


def test_the_program_needs_the_newest_step():
    assert newest_revision() == NEWEST
    assert len(ScriptDirectory(str(migration._SCRIPTS)).get_heads()) == 1


def test_alembic_finds_no_difference_between_the_history_and_the_tables(database):
    with database.writer.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_the_history_makes_exactly_the_tables_that_the_program_describes(database, tmp_path):
    described = sqlite_url(tmp_path / "described.db")
    engine = create_engine(described)
    SQLModel.metadata.create_all(engine)
    engine.dispose()
    migrated = schema(database.url)
    del migrated["table", "alembic_version"]
    assert migrated == schema(described)

"""The history of migrations and the tables agree on PostgreSQL too, down to constraints and partial indexes."""

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel, select

from slipyard.domain.settings import Settings
from slipyard.store.installation import load_installation, open_installation
from slipyard.store.schema import bring_up_to_date, revision_of
from slipyard.store.tables import App, Token
from tests.postgres import postgres_url

SCHEMA = {
    "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
    " WHERE table_schema = 'public'",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


def schema(engine):
    with engine.connect() as connection:
        found = {name: {tuple(row) for row in connection.execute(text(query))} for name, query in SCHEMA.items()}
    return {name: {row for row in rows if row[0] != "alembic_version"} for name, rows in found.items()}


def test_the_history_makes_exactly_the_tables_that_the_program_describes(database):
    described = create_engine(postgres_url())
    SQLModel.metadata.create_all(described)
    assert schema(database.writer) == schema(described)
    assert len(schema(described)["constraints"]) > 30
    described.dispose()


def test_alembic_finds_no_difference_between_the_history_and_the_tables(database):
    with database.writer.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_two_machines_that_migrate_at_once_do_not_meet(tmp_path):
    url = make_url(postgres_url())
    failures = []

    def migrate():
        try:
            bring_up_to_date(url, tmp_path)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            failures.append(error)

    machines = [threading.Thread(target=migrate) for _ in range(3)]
    for machine in machines:
        machine.start()
    for machine in machines:
        machine.join()
    assert failures == []
    assert revision_of(url) is not None


def test_a_reader_cannot_write(database):
    with database.read() as session:
        session.add(App(id="app_x"))
        with pytest.raises(DBAPIError, match="read-only"):
            session.flush()


def test_an_installation_lives_on_postgres(tmp_path):
    settings = Settings(home=tmp_path / "home", database_url=postgres_url())
    opened, part = open_installation(settings), load_installation(settings)
    with part.database.read() as session:
        assert [token.name for token in session.exec(select(Token))] == ["administrator"]
    assert not opened.layout.database.exists()
    for installation in (opened, part):
        installation.close()

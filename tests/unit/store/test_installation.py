import json
import stat
import threading

import pytest
from sqlalchemy import text
from sqlmodel import select

from slipyard import __version__
from slipyard.domain.errors import SystemFault, Unavailable
from slipyard.domain.layout import Layout
from slipyard.domain.settings import Settings
from slipyard.store.installation import database_url, load_installation, open_installation
from slipyard.store.tables import Organization, Token
from slipyard.store.tokens import find_token, revoke_token
from tests.unit.store.rows import NOW


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home")


@pytest.fixture
def layout(settings):
    return Layout(settings.home)


@pytest.fixture
def opened(settings):
    installation = open_installation(settings)
    yield installation
    installation.close()


def admin(installation):
    secret = installation.layout.admin_token.read_text().strip()
    with installation.database.read() as session:
        return find_token(session, secret, NOW)


def change_schema(installation, statement):
    with installation.database.write() as session:
        session.execute(text(statement))


def test_a_part_does_not_start_where_nothing_was_prepared(settings):
    with pytest.raises(SystemFault, match="slipyard up"):
        load_installation(settings)
    assert not settings.home.exists()


def test_a_part_of_another_version_does_not_touch_the_database(settings, opened):
    change_schema(opened, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SystemFault, match="schema 9999"):
        load_installation(settings)


def test_a_part_does_not_start_on_a_database_that_was_never_prepared(settings, opened):
    change_schema(opened, "DROP TABLE alembic_version")
    with pytest.raises(SystemFault, match="schema none"):
        load_installation(settings)


def test_a_database_that_does_not_answer_is_said_without_its_password(tmp_path):
    away = f"postgresql://me:hunter2@/none?host={tmp_path}"
    with pytest.raises(Unavailable, match="SLIPYARD_DATABASE_URL") as refused:
        open_installation(Settings(home=tmp_path / "home", database_url=away))
    assert "hunter2" not in str(refused.value)


def test_a_newer_version_has_been_here(settings, layout, opened):
    written = json.loads(layout.installation.read_text())
    layout.installation.write_text(json.dumps(written | {"version": "999.10.0"}))
    with pytest.raises(SystemFault, match="newer than this one"):
        open_installation(settings)
    with pytest.raises(SystemFault, match="newer than this one"):
        load_installation(settings)


def test_an_older_version_is_upgraded_in_place(settings, layout, opened):
    layout.installation.write_text(json.dumps({"id": opened.id, "version": "0.0.9"}))
    again = open_installation(settings)
    again.close()
    assert again.id == opened.id
    assert json.loads(layout.installation.read_text()) == {"id": opened.id, "version": __version__}


def test_a_schema_from_the_future_is_refused_and_left_as_it_is(settings, opened):
    change_schema(opened, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SystemFault, match="schema 9999"):
        open_installation(settings)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"id": "0123456789"}'])
def test_a_damaged_identity_is_never_made_anew(settings, layout, opened, content):
    layout.installation.write_text(content)
    with pytest.raises(SystemFault, match="damaged"):
        open_installation(settings)


def test_a_lost_key_is_never_made_anew(settings, layout, opened):
    layout.secret_key.unlink()
    for door in (open_installation, load_installation):
        with pytest.raises(SystemFault, match="cannot be read"):
            door(settings)
    assert not layout.secret_key.exists()


def test_nobody_else_reads_any_of_it(layout, opened):
    for path in [layout.home, *layout.home.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_the_administrator_has_a_token_and_it_is_written_once(settings, layout, opened):
    assert admin(opened).scopes == ["admin"]
    layout.admin_token.unlink()
    open_installation(settings).close()
    assert not layout.admin_token.exists()


def test_a_crash_between_file_and_row_loses_no_token(settings, layout, opened):
    change_schema(opened, "DELETE FROM token")
    open_installation(settings).close()
    assert admin(opened) is not None


def test_a_revoked_administrator_does_not_come_back(settings, opened):
    token = admin(opened)
    with opened.database.write() as session:
        revoke_token(session, token.organization_id, token.id, NOW)
    open_installation(settings).close()
    assert admin(opened) is None


def test_opening_again_changes_nothing(settings, layout, opened):
    def state():
        with opened.database.read() as session:
            rows = len(session.exec(select(Token)).all()), len(session.exec(select(Organization)).all())
        files = (layout.installation, layout.secret_key, layout.admin_token)
        return rows, [(path.read_bytes(), path.stat().st_mtime_ns) for path in files]

    before = state()
    open_installation(settings).close()
    assert state() == before
    assert before[0] == (1, 1)


def test_two_that_open_at_once_make_one_installation(settings):
    made = []
    threads = [threading.Thread(target=lambda: made.append(open_installation(settings))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({installation.id for installation in made}) == 1
    with made[0].database.read() as session:
        assert len(session.exec(select(Token)).all()) == 1
    for installation in made:
        installation.close()


def test_a_part_sees_what_up_has_made(settings, opened):
    part = load_installation(settings)
    assert part.id == opened.id
    assert len(part.id) == 10
    assert part.cipher.decrypt(opened.cipher.encrypt(b"x")) == b"x"
    assert admin(part) is not None
    part.close()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_postgres_url_means_our_driver(tmp_path, scheme):
    url = database_url(Settings(home=tmp_path, database_url=f"{scheme}://me@db/slipyard"))
    assert url.render_as_string() == "postgresql+psycopg://me@db/slipyard"

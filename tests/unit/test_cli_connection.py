"""Which server a command speaks to, and that no token goes to another one."""

import json
import stat

import pytest

from slipyard.cli.connection import find_connection
from slipyard.cli.credentials import Credentials, credentials_path
from slipyard.cli.failure import Unreachable


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def installation(home, url="http://127.0.0.1:7007"):
    (home / "run").mkdir(parents=True)
    (home / "installation.json").write_text('{"id": "0123456789", "version": "0.1.0"}')
    (home / "admin.token").write_text("sly_local\n")
    (home / "run" / "url").write_text(url)
    return {"SLIPYARD_HOME": str(home)}


def signed_in(url="https://a.example", token="sly_a"):
    known = Credentials.load(credentials_path())
    known.remember(url, token)
    known.save(credentials_path())


def test_nobody_is_known(tmp_path):
    with pytest.raises(Unreachable, match=r"slipyard up.*slipyard login"):
        find_connection({"SLIPYARD_HOME": str(tmp_path)})


def test_the_token_of_another_server_is_not_sent(tmp_path):
    signed_in()
    environment = installation(tmp_path / "home") | {"SLIPYARD_URL": "https://evil.example"}
    with pytest.raises(Unreachable, match=r"No token is known for https://evil\.example"):
        find_connection(environment)


def test_the_environment_wins(tmp_path):
    signed_in()
    environment = installation(tmp_path / "home") | {"SLIPYARD_URL": "https://b.example/", "SLIPYARD_TOKEN": "sly_b"}
    found = find_connection(environment)
    assert (found.url, found.token) == ("https://b.example", "sly_b")


def test_then_the_installation_of_this_machine_at_the_port_where_it_runs(tmp_path):
    signed_in()
    found = find_connection(installation(tmp_path / "home", "http://127.0.0.1:9999"))
    assert (found.url, found.token) == ("http://127.0.0.1:9999", "sly_local")


def test_then_what_login_stored(tmp_path):
    signed_in("https://a.example", "sly_a")
    signed_in("https://b.example", "sly_b")
    assert find_connection({"SLIPYARD_HOME": str(tmp_path)}).token == "sly_b"
    chosen = find_connection({"SLIPYARD_HOME": str(tmp_path), "SLIPYARD_URL": "https://a.example"})
    assert chosen.token == "sly_a"


def test_only_the_owner_reads_what_was_stored_and_no_print_shows_it(tmp_path):
    signed_in()
    assert stat.S_IMODE(credentials_path().stat().st_mode) == 0o600
    assert json.loads(credentials_path().read_text())["servers"] == {"https://a.example": "sly_a"}
    assert "sly_" not in repr(Credentials.load(credentials_path()))
    assert "sly_" not in repr(find_connection({"SLIPYARD_HOME": str(tmp_path)}))


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"servers": 3}', '{"current": "x"}'])
def test_a_broken_file_is_an_empty_one(broken):
    credentials_path().parent.mkdir(parents=True)
    credentials_path().write_text(broken)
    assert Credentials.load(credentials_path()) == Credentials()

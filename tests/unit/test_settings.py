"""A setting that cannot be is the user's to mend: named, with what it may be, and without what stands there."""

from pathlib import Path

import pytest

from slipyard.domain.errors import ValidationFailed
from slipyard.domain.settings import read_settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLIPYARD_HOME", str(tmp_path))
    return tmp_path


def test_every_value_that_cannot_be_is_named_and_none_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPYARD_TLS", "perhaps")
    monkeypatch.setenv("SLIPYARD_PORT", "hunter2")

    with pytest.raises(ValidationFailed, match=r"SLIPYARD_PORT: .* integer.*SLIPYARD_TLS: .*'off'") as refused:
        read_settings()

    assert "hunter2" not in str(refused.value)
    assert "perhaps" not in str(refused.value)


def test_a_table_that_is_no_json_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPYARD_ACME_DNS", "hunter2")

    with pytest.raises(ValidationFailed, match=r"SLIPYARD_ACME_DNS cannot be read.*JSON") as refused:
        read_settings()

    assert "hunter2" not in str(refused.value)


def test_a_file_that_is_no_toml_is_named(home: Path) -> None:
    (home / "settings.toml").write_text("port =")

    with pytest.raises(ValidationFailed, match=r"settings\.toml cannot be read"):
        read_settings()


def test_the_environment_wins_over_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "settings.toml").write_text("port = 7100\nhttp_port = 7101\n")
    monkeypatch.setenv("SLIPYARD_PORT", "7200")

    settings = read_settings()

    assert (settings.port, settings.http_port) == (7200, 7101)

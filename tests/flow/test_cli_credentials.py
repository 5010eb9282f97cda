"""`slipyard credentials` against the real API: what is stored, printed, refused, and that no secret is an argument."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from slipyard.cli.main import run
from tests.flow.api.api_server import ApiServer, serving
from tests.flow.system import System

SECRET = "s3cr3t-t0k3n"
Command = Callable[..., Awaitable[int]]


@pytest.fixture
def database_url() -> None:
    return None


@pytest.fixture
async def api(system: System, monkeypatch: pytest.MonkeyPatch) -> ApiServer:
    async with serving(system, working=False) as server:
        monkeypatch.setenv("SLIPYARD_URL", server.url)
        monkeypatch.setenv("SLIPYARD_TOKEN", server.secret)
        yield server


async def slipyard(*arguments: str) -> int:
    return await asyncio.to_thread(run, arguments)


async def test_a_secret_is_never_an_argument(api: ApiServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert await slipyard("credentials", "add", "main", "--host", "git.example.com", "--secret", SECRET) == 2
    assert SECRET not in capsys.readouterr().err


async def test_what_the_server_refuses_is_said(
    api: ApiServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key").write_text(SECRET)
    arguments = ("credentials", "add", "main", "--host", "git.example.com")
    assert await slipyard(*arguments, "--key", str(tmp_path / "key")) == 3
    assert await slipyard(*arguments, "--key", str(tmp_path / "missing")) == 2
    assert await slipyard("credentials", "remove", "main") == 3
    said = capsys.readouterr().err
    assert "not a private key" in said
    assert SECRET not in said


async def test_add_list_use_and_remove(
    api: ApiServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))
    assert await slipyard("credentials", "add", "main", "--host", "git.example.com", "--secret", "-") == 0
    assert await slipyard("credentials", "add", "key", "--host", "git.example.com", "--generate") == 0
    repo = "https://git.example.com/me/shop.git"
    assert await slipyard("apps", "create", "shop", "--git", repo, "--credential", "main", "--no-deploy") == 0
    assert await slipyard("credentials", "list") == 0
    said = capsys.readouterr().out
    assert "ssh-ed25519 AAAA" in said
    assert "main\ttoken\tgit.example.com\tgit" in said
    assert SECRET not in said

    assert await slipyard("credentials", "remove", "main") == 3
    assert "used by shop" in capsys.readouterr().err
    assert await slipyard("apps", "delete", "shop", "--yes") == 0
    await api.system.settle()
    assert await slipyard("credentials", "remove", "main") == 0


async def test_renew(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await slipyard("credentials", "add", "key", "--host", "git.example.com", "--generate")
    await slipyard("credentials", "renew", "key", "--generate")
    first, second = [line for line in capsys.readouterr().out.splitlines() if line.startswith("ssh-ed25519")]
    assert first != second
    (tmp_path / "hosts").write_text(f"git.example.com {' '.join(first.split()[:2])}\n")
    assert await slipyard("credentials", "renew", "key", "--known-hosts", str(tmp_path / "hosts")) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO(SECRET))
    assert await slipyard("credentials", "renew", "key", "--secret", "-") == 3, "a token is no key"


async def test_a_test_that_fails_exits_with_1(
    api: ApiServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(SECRET))
    await slipyard("credentials", "add", "main", "--host", "git.invalid", "--secret", "-")
    assert await slipyard("credentials", "test", "main", "https://git.invalid/me/shop.git") == 1
    assert await slipyard("credentials", "test", "main", "https://elsewhere.invalid/shop.git") == 3
    assert "There is no host git.invalid" in capsys.readouterr().err

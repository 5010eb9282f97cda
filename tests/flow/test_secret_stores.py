"""Secrets that lie elsewhere: in files, behind a program, in a Vault. Read for each release, and what one has it keeps."""

import sys
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from slipyard.clients.secret_stores.command import CommandSecrets
from slipyard.clients.secret_stores.file import FileSecrets
from slipyard.clients.secret_stores.vault import VaultSecrets
from slipyard.domain.errors import Conflict, NotFound, SecretRefused, SlipyardError, Unavailable, ValidationFailed
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.domain.secret_store import MOST_SECRET_BYTES, CommandStore, FileStore, VaultStore, check_origin
from slipyard.pipeline.configuration.change_configuration import change_env
from slipyard.pipeline.configuration.change_secrets import NewSecret, remove_secret, set_secret
from slipyard.pipeline.configuration.secret_stores import add_store, remove_store, renew_stores, try_store
from slipyard.pipeline.way_back.roll_back import roll_back
from slipyard.store.configuration import configuration_of
from slipyard.store.environment import open_env
from slipyard.store.tables import Release
from tests.flow.api.api_server import until
from tests.flow.rollouts import Shop, new_shop
from tests.flow.system import System
from tests.flow.vault_server import TOKEN, Vault, vault_server

LOOPBACK = [IPv4Network("127.0.0.0/8")]


@pytest.fixture
def vault() -> Iterator[Vault]:
    with vault_server() as vault:
        yield vault


def secrets_of(vault: Vault, token: str = TOKEN, namespace: str | None = None) -> VaultSecrets:
    return VaultSecrets(VaultStore(url=vault.url, token=token, namespace=namespace), LOOPBACK)


def program(text: str, seconds: float = 30) -> CommandSecrets:
    return CommandSecrets(CommandStore(command=(sys.executable, "-c", text), seconds=seconds))


@pytest.mark.parametrize(
    ("arrange", "key", "error", "sentence"),
    [
        ({"sealed": True}, "shop/db#password", Unavailable, "is sealed"),
        ({}, "shop/none", SecretRefused, "has nothing there, or only a deleted version"),
        ({"deleted": {"shop/db"}}, "shop/db#password", SecretRefused, "only a deleted version"),
        ({}, "shop/db#user", SecretRefused, "has no field 'user'"),
        ({}, "shop/two", SecretRefused, "has 2 fields. Name one: shop/two#FIELD"),
        ({"namespace": "team"}, "shop/db", SecretRefused, "does not let this token read shop/db"),
    ],
)
async def test_what_a_vault_does_not_give_is_said(
    vault: Vault, arrange: dict, key: str, error: type[SlipyardError], sentence: str
) -> None:
    vault.secrets = {"shop/db": {"password": "s3cret"}, "shop/two": {"a": "1", "b": "2"}}
    vars(vault).update(arrange)
    with pytest.raises(error, match=sentence) as refused:
        await secrets_of(vault).read(key)
    assert "s3cret" not in refused.value.message
    assert TOKEN not in refused.value.message


async def test_a_vault_that_is_away_or_no_vault_may_be_asked_again(vault: Vault) -> None:
    away = VaultSecrets(VaultStore(url="http://127.0.0.1:1", token=TOKEN), LOOPBACK)
    with pytest.raises(Unavailable, match="does not answer"):
        await away.read("a")
    with pytest.raises(SecretRefused, match="does not let this token"):
        await secrets_of(vault, token="hvs.another").read("a")
    with pytest.raises(SlipyardError, match="Plain http shows tokens"):
        await VaultSecrets(VaultStore(url=vault.url, token=TOKEN), []).read("a")


async def test_fields_of_a_vault_are_read_and_the_token_is_in_no_address(vault: Vault) -> None:
    vault.secrets = {"shop/db": {"password": "s3cret"}, "shop/two": {"a": "1", "b": [1, 2]}}
    vault.namespace = "team"
    store = secrets_of(vault, namespace="team")

    assert [await store.read(key) for key in ("shop/db", "shop/db#password", "shop/two#b")] == [
        "s3cret",
        "s3cret",
        "[1, 2]",
    ]
    assert vault.answers[0] == ("GET /v1/secret/data/shop/db", 200)
    assert all(TOKEN not in asked for asked, _ in vault.answers)


@pytest.mark.parametrize(("lifetime", "left", "renewals"), [(3600, 3000, 0), (3600, 1700, 1), (0, 0, 0)])
async def test_a_token_is_renewed_once_half_of_its_life_is_over(
    vault: Vault, lifetime: int, left: int, renewals: int
) -> None:
    vault.lifetime, vault.left = lifetime, left
    store = secrets_of(vault)
    await store.renew()
    await store.renew()
    assert vault.renewed == renewals


async def test_files_stay_in_their_directory(tmp_path: Path) -> None:
    root = tmp_path / "secrets"
    (root / "deep").mkdir(parents=True)
    (tmp_path / "outside").write_text("no")
    (root / "deep" / "key").write_text("s3cret\n")
    (root / "link").symlink_to("deep/key")
    (root / "leads-out").symlink_to(tmp_path / "outside")
    (root / "binary").write_bytes(b"\xff\xfe")
    (root / "large").write_bytes(b"x" * (MOST_SECRET_BYTES + 1))
    store = FileSecrets(FileStore(directory=str(root)))

    assert [await store.read(key) for key in ("deep/key", "link")] == ["s3cret", "s3cret"]
    for key in ("none", "deep", "leads-out", "../outside", "binary", "large"):
        with pytest.raises(SecretRefused):
            await store.read(key)
    with pytest.raises(Unavailable, match="Is it mounted"):
        await FileSecrets(FileStore(directory=str(tmp_path / "none"))).read("key")


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("import sys; print('s3cret', file=sys.stderr); sys.exit(3)", SecretRefused, "exited with code 3"),
        ("print('x' * 600_000)", SecretRefused, "printed more than"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", SecretRefused, "no text in UTF-8"),
    ],
)
async def test_a_program_that_gives_no_secret_is_said(text: str, error: type[SlipyardError], sentence: str) -> None:
    with pytest.raises(error, match=sentence) as refused:
        await program(text).read("key")
    assert "s3cret" not in refused.value.message


async def test_a_program_gets_its_key_and_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPYARD_TOKEN", "ours")
    text = "import os, sys; print(sys.argv[1:], os.environ.get('SLIPYARD_TOKEN'))"
    assert await program(text).read("a b; $(id)") == "['a b; $(id)'] None"


async def test_a_program_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    text = (
        "import subprocess, time; child = subprocess.Popen(['sleep', '1000']);"
        f"open({str(note)!r}, 'w').write(str(child.pid)); time.sleep(1000)"
    )
    with pytest.raises(Unavailable, match="did not end within 3 s"):
        await program(text, seconds=3).read("key")
    pid = int(note.read_text())

    async def ended() -> bool:
        return is_over(pid)

    await until(ended)
    with pytest.raises(Unavailable, match="cannot be started"):
        await CommandSecrets(CommandStore(command=("/no/such/program",))).read("key")


def is_over(pid: int) -> bool:
    """Nobody may have asked yet how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("origin", ["vault", "vault:", "Vault:a", "vault:../a", "vault:/a", "vault:-a", "vault:a b"])
def test_an_origin_that_is_none_is_refused(origin: str) -> None:
    with pytest.raises(ValidationFailed):
        check_origin(origin)


async def shop_with(system: System, vault: Vault) -> Shop:
    """Its variable has what the Vault has."""
    system.set(allowed_networks=LOOPBACK)
    vault.secrets["shop/db"] = {"password": "first"}
    shop = await new_shop(system, 1)
    await add_store(system.context, "vault", VaultStore(url=vault.url, token=TOKEN), system.actor)
    secret = NewSecret("PASSWORD", None, "vault:shop/db#password")
    await set_secret(system.context, shop.app_id, secret, system.actor)
    await change_env(
        system.context, shop.app_id, {"URL": "db://${secret:PASSWORD}"}, replace=False, actor=system.actor, release=True
    )
    await system.work()
    return shop


def url_of(shop: Shop) -> str:
    release = shop.system.read(lambda session: session.get_one(Release, shop.last.release_id))
    return open_env(shop.system.context.cipher, release.env_encrypted)["URL"]


async def test_a_release_has_what_the_vault_had_then_and_a_rollback_brings_that_back(
    system: System, vault: Vault
) -> None:
    shop = await shop_with(system, vault)
    assert url_of(shop) == "db://first"

    vault.secrets["shop/db"] = {"password": "second"}
    await shop.deploy(2)
    assert url_of(shop) == "db://second"
    vault.sealed = True
    await roll_back(system.context, shop.app_id, None, system.actor)
    await system.work()

    assert (url_of(shop), shop.last.status) == ("db://first", DeploymentStatus.ACTIVE)


async def test_a_vault_that_refuses_fails_the_deployment_and_leaves_what_serves(system: System, vault: Vault) -> None:
    shop = await shop_with(system, vault)
    live = shop.last
    vault.secrets.clear()

    failed = await shop.deploy(2)

    assert failed.status is DeploymentStatus.FAILED
    assert "The secret PASSWORD cannot be had. The Vault at" in (failed.error or "")
    assert shop.serving == {live.id: 1}


async def test_a_vault_that_is_sealed_for_a_moment_delays_a_deployment(system: System, vault: Vault) -> None:
    shop = await shop_with(system, vault)
    vault.sealed_for = 2
    await shop.ask(2)
    for _ in range(3):
        await system.settle()

    assert vault.sealed_for == 0
    assert (shop.last.status, url_of(shop)) == (DeploymentStatus.ACTIVE, "db://first")


async def test_while_a_vault_is_away_a_change_that_needs_it_changes_nothing(system: System, vault: Vault) -> None:
    shop = await shop_with(system, vault)
    before = (shop.last.id, told(shop))
    vault.sealed = True

    with pytest.raises(Unavailable, match="sealed"):
        await change_env(system.context, shop.app_id, {"OTHER": "1"}, replace=False, actor=system.actor, release=True)

    assert (shop.last.id, told(shop)) == before


def told(shop: Shop) -> dict[str, str]:
    return shop.system.read(lambda session: configuration_of(session, shop.system.context.cipher, shop.app_id)).env


async def test_a_store_that_is_used_stays_and_is_tried_without_showing_anything(system: System, vault: Vault) -> None:
    shop = await shop_with(system, vault)
    assert await try_store(system.context, "vault", "shop/db#password", system.actor) == len("first")
    with pytest.raises(Conflict, match="Secrets of shop come from vault"):
        await remove_store(system.context, "vault", system.actor)
    with pytest.raises(NotFound, match="no store of secrets 'other'"):
        await set_secret(system.context, shop.app_id, NewSecret("A", None, "other:key"), system.actor)

    await change_env(system.context, shop.app_id, {"URL": None}, replace=False, actor=system.actor)
    await remove_secret(system.context, shop.app_id, "PASSWORD", system.actor)
    await remove_store(system.context, "vault", system.actor)


async def test_the_controller_renews_tokens_and_one_store_that_is_away_hinders_no_other(
    system: System, vault: Vault
) -> None:
    system.set(allowed_networks=LOOPBACK)
    vault.lifetime, vault.left = 100, 10
    await add_store(system.context, "away", VaultStore(url="http://127.0.0.1:1", token=TOKEN), system.actor)
    await add_store(system.context, "vault", VaultStore(url=vault.url, token=TOKEN), system.actor)

    await renew_stores(system.context)

    assert vault.renewed == 1

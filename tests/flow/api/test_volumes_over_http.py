"""Volumes and their backups over the API and by the command line."""

import asyncio
import io
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from slipyard.cli.main import run
from slipyard.domain.errors import Unavailable
from tests.flow.api.api_server import ApiServer


@pytest.fixture
async def shop(quiet_api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ApiServer]:
    monkeypatch.setenv("SLIPYARD_URL", quiet_api.url)
    monkeypatch.setenv("SLIPYARD_TOKEN", quiet_api.secret)
    (await quiet_api.client.post("/v1/apps", json={"name": "shop"})).raise_for_status()
    backing_up = asyncio.create_task(_back_up(quiet_api))
    yield quiet_api
    backing_up.cancel()


async def _back_up(api: ApiServer) -> None:
    while True:
        await api.system.control("backups")
        await asyncio.sleep(0.01)


async def slipyard(capsys, *arguments: str) -> tuple[int, str]:
    code = await asyncio.to_thread(run, arguments)
    return code, "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": "a", "path": "data"}, "path"),
        ({"name": "a", "path": "/../data"}, "path"),
        ({"name": "a", "path": "/proc/x"}, "path"),
        ({"name": "a", "size": "much"}, "size"),
        ({"name": "a", "size": 10}, "size"),
    ],
)
async def test_what_is_no_volume_is_refused(shop: ApiServer, body, field):
    answer = await shop.client.post("/v1/apps/shop/volumes", json=body)
    assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (422, field)


async def test_what_may_read_an_app_may_not_read_its_data(shop: ApiServer):
    await shop.client.post("/v1/apps/shop/volumes", json={"name": "data"})
    reader = shop.client_of(shop.token("apps:read", name="reader"))
    assert (await reader.get("/v1/apps/shop/volumes/data")).status_code == 200
    assert (await reader.get("/v1/apps/shop/volumes/data/archive")).status_code == 403
    assert (await reader.post("/v1/apps/shop/volumes/data/restore", json={})).status_code == 403
    assert (await reader.delete("/v1/apps/shop/volumes/data")).status_code == 403
    await reader.aclose()


async def test_a_volume_is_made_changed_and_removed_by_command(shop: ApiServer, capsys):
    made = ("volumes", "create", "shop", "data", "--path", "/data", "--size", "10Gi")
    code, said = await slipyard(capsys, *made)
    assert (code, "It is at /data from the next deployment on, and the old instance ends before the new" in said) == (
        0,
        True,
    )
    assert (await slipyard(capsys, *made))[0] == 3
    seen = (await shop.client.get("/v1/apps/shop")).json()
    fact = {"name": "data", "mount_path": "/data", "size_bytes": 10 * 2**30, "used_bytes": None}
    assert (seen["volume"], seen["volumes"]) == (fact, [fact])
    for command in (
        ("attach", "shop", "data", "/more", "--service", "worker", "--read-only"),
        ("detach", "shop", "data", "/data"),
        ("set", "shop", "data", "--shared", "--size", "none"),
    ):
        assert (await slipyard(capsys, "volumes", *command))[0] == 0
    row = (await shop.client.get("/v1/apps/shop/volumes/data")).json()
    assert row["attachments"] == [{"service": "worker", "path": "/more", "read_only": True}]
    assert (row["size_bytes"], row["exclusive"], row["last_backup_at"]) == (None, False, None)
    assert "worker:/more (ro)" in (await slipyard(capsys, "volumes", "show", "shop", "data"))[1]
    assert "data" in (await slipyard(capsys, "volumes", "list", "shop"))[1]
    assert (await slipyard(capsys, "volumes", "remove", "shop", "data"))[0] == 0
    assert "No volumes." in (await slipyard(capsys, "volumes", "list", "shop"))[1]


async def test_data_goes_out_and_comes_back_by_command(shop: ApiServer, capsys, tmp_path: Path):
    packed = tmp_path / "given.tar"
    with tarfile.open(packed, "w") as archive:
        member = tarfile.TarInfo("file")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"data"))
    outside = tmp_path / "outside.tar"
    with tarfile.open(outside, "w") as archive:
        archive.addfile(tarfile.TarInfo("../out"))
    await slipyard(capsys, "volumes", "create", "shop", "data")

    code, said = await slipyard(capsys, "volumes", "import", "shop", "data", str(outside))
    assert (code, "leads out of the volume" in said) == (3, True)
    assert (await slipyard(capsys, "volumes", "import", "shop", "data", str(packed)))[0] == 0
    kept = tmp_path / "kept.tar.zst"
    assert (await slipyard(capsys, "volumes", "export", "shop", "data", str(kept), "--encrypt"))[0] == 0
    assert kept.read_bytes().startswith(b"SLYSEAL1")
    key = str(shop.context.layout.secret_key)
    assert (await slipyard(capsys, "volumes", "unseal", str(kept), str(tmp_path / "plain"), "--key", key))[0] == 0
    assert (tmp_path / "plain").read_bytes().startswith(b"\x28\xb5\x2f\xfd")
    kept_elsewhere = tmp_path / "cut"
    kept_elsewhere.write_bytes(kept.read_bytes()[:-1])
    assert (await slipyard(capsys, "volumes", "unseal", str(kept_elsewhere), str(tmp_path / "no"), "--key", key))[
        0
    ] == 3
    assert not (tmp_path / "no").exists()
    assert (await slipyard(capsys, "volumes", "import", "shop", "data", str(kept)))[0] == 0
    assert (await slipyard(capsys, "volumes", "copy", "shop", "data", "copied"))[0] == 0
    assert sorted(map(len, shop.system.engine.volume_files.values()))[-2:] == [1, 1]


async def test_backups_are_asked_for_ruled_restored_and_removed_by_command(shop: ApiServer, capsys, tmp_path: Path):
    place = tmp_path / "disk"
    add = ("backup-targets", "add", "disk", "--directory", str(place))
    assert (await slipyard(capsys, *add))[0] == 0
    assert (await slipyard(capsys, "backup-targets", "test", "disk"))[0] == 1
    place.mkdir()
    assert (await slipyard(capsys, "backup-targets", "test", "disk"))[0] == 0
    await slipyard(capsys, "volumes", "create", "shop", "data")

    code, said = await slipyard(capsys, "volumes", "backup", "shop", "data", "--to", "disk")
    assert (code, "restored on trial and found the same" in said) == (0, True)
    assert "1" in (await slipyard(capsys, "volumes", "backups", "shop", "data"))[1]
    rules = ("volumes", "backup-rules", "shop", "data", "--cron", "0 3 * * *", "--keep", "daily=2", "--to", "disk")
    assert "is backed up to disk, next at" in (await slipyard(capsys, *rules))[1]
    assert (await slipyard(capsys, "volumes", "restore", "shop", "data", "--from", "1"))[0] == 0
    assert (await slipyard(capsys, "backup-targets", "remove", "disk"))[0] == 3
    assert (await slipyard(capsys, "volumes", "restore", "shop", "data", "--from", "9"))[0] == 3

    row = (await shop.client.get("/v1/apps/shop/volumes/data/backups")).json()["backups"][0]
    assert (await shop.client.delete(f"/v1/apps/shop/volumes/data/backups/{row['number']}")).status_code == 200
    assert [each for each in place.rglob("*") if each.is_file()] == []
    assert (await slipyard(capsys, "volumes", "restore", "shop", "data"))[0] == 3
    shop.system.engine.fail_next("copy_out", Unavailable("Away."))
    code, said = await slipyard(capsys, "volumes", "backup", "shop", "data")
    assert (code, "Backup 2 failed. Away." in said) == (1, True)


async def test_a_bucket_s_secret_is_never_shown_again(shop: ApiServer, capsys, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("very-secret\n")
    add = (
        "backup-targets",
        "add",
        "offsite",
        "--bucket",
        "shop-backups",
        "--access-key-id",
        "AK",
        "--secret-file",
        str(secret),
    )
    code, said = await slipyard(capsys, *add)
    assert code == 0, said
    assert "https://s3.amazonaws.com/shop-backups/" in said
    listed = await shop.client.get("/v1/backup-targets")
    assert "very-secret" not in listed.text
    inside = {"name": "inside", "bucket": {"endpoint": "https://127.0.0.1:9", "bucket": "abc", "access_key_id": "AK"}}
    answer = await shop.client.post("/v1/backup-targets", json={**inside, "secret_access_key": "s"})
    assert answer.status_code == 422


async def test_what_a_deleted_app_leaves_is_listed_and_what_is_named_goes(shop: ApiServer, capsys, tmp_path: Path):
    for name in ("data", "cache"):
        await slipyard(capsys, "volumes", "create", "shop", name)
        await slipyard(capsys, "volumes", "export", "shop", name, str(tmp_path / name))
    code, said = await slipyard(capsys, "apps", "delete", "shop", "--yes", "--volumes", "cache")
    assert code == 0, said
    assert "Left behind with their data: data;" in said
    await shop.system.settle()
    found = (await shop.client.get("/v1/volumes")).json()["volumes"]
    assert [(row["name"], row["left_behind"]) for row in found] == [("data", True)]
    (await shop.client.post("/v1/apps", json={"name": "heir"})).raise_for_status()
    assert (await slipyard(capsys, "volumes", "create", "heir", "old", "--adopt", found[0]["id"]))[0] == 0
    assert (await shop.client.get("/v1/volumes")).json()["total"] == 0

"""Volumes on a real engine: data survives rollouts and the way back, goes into a bucket and comes back into another app."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import zstandard

from tests.engine.installation import CHECKOUT
from tests.engine.s3_server import ACCESS_KEY_ID, REGION, SECRET, s3_server
from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp, new_app

# The image has something where the volume will be, which is copied into it while it is empty.
SERVES = (
    "FROM busybox\nSTOPSIGNAL SIGKILL\nCOPY index.html /www/\nRUN mkdir /data && echo image > /data/from-image\n"
    "CMD exec httpd -f -p $PORT -h /www\n"
)
WRITE = (
    "echo kept > /data/file && chown 1234:5678 /data/file && chmod 640 /data/file && ln -s /elsewhere/file /data/link"
    " && ln /data/file /data/again && mkfifo /data/pipe && head -c 3000000 /dev/urandom > /data/large"
)


def slipyard(app: WholeApp, *arguments: str, given: bytes = b"") -> str:
    environment = os.environ | app.slipyard.environment | {"PYTHONPATH": str(CHECKOUT)}
    words = [sys.executable, "-m", "slipyard.cli", *arguments]
    done = subprocess.run(words, env=environment, input=given, capture_output=True, check=False, timeout=150)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def inside(app: WholeApp, script: str) -> str:
    return slipyard(app, "exec", app.slug, "--", "sh", "-c", script)


def facts(archive: bytes) -> dict[str, tuple[int, int, int, str]]:
    """Owner, group, mode and link of each entry."""
    plain = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(archive)).read()
    with tarfile.open(fileobj=io.BytesIO(plain)) as opened:
        return {each.name: (each.uid, each.gid, each.mode & 0o7777, each.linkname) for each in opened}


def export(app: WholeApp) -> bytes:
    with app.slipyard.client() as client:
        return client.get(f"/apps/{app.slug}/volumes/data/archive", timeout=120).raise_for_status().content


@pytest.fixture
def kept(whole_app: WholeApp) -> WholeApp:
    whole_app.create()
    slipyard(whole_app, "volumes", "create", whole_app.slug, "data", "--path", "/data")
    whole_app.push("one", SERVES)
    return whole_app


def test_data_survives_and_goes_through_a_bucket_into_another_app(kept: WholeApp, tmp_path: Path) -> None:
    assert inside(kept, "cat /data/from-image") == "image\n"
    inside(kept, WRITE)
    said = kept.push("two", SERVES)
    assert "so the old instance ends before the new one starts" in said
    assert inside(kept, "cat /data/file; wc -c < /data/large") == "kept\n3000000\n"
    kept.post("rollback?wait=120").raise_for_status()
    assert (kept.text(), inside(kept, "cat /data/file")) == ("one", "kept\n")
    before = export(kept)
    assert {facts(before)[name] for name in ("./again", "./file")} == {
        (1234, 5678, 0o640, link) for link in ("", "./again")
    }
    assert facts(before)["./link"][3] == "/elsewhere/file"

    with s3_server(tmp_path) as server:
        place = server.place("shop-backups")
        name = f"offsite-{kept.slug}"
        told = ("--bucket", place.bucket, "--endpoint", place.endpoint, "--region", REGION)
        secret = ("--access-key-id", ACCESS_KEY_ID, "--secret-stdin")
        slipyard(kept, "backup-targets", "add", name, *told, *secret, given=SECRET.encode())
        said = slipyard(
            kept, "volumes", "backup", kept.slug, "data", "--to", name, "--before", "echo ready > /data/dump"
        )
        assert "restored on trial and found the same" in said
        [stored] = [each for each in (server.directory / place.bucket).rglob("*.sealed") if each.is_file()]
        assert stored.read_bytes().startswith(b"SLYSEAL1")
        row = kept.get("/volumes/data/backups")["backups"][0]

        other = new_app(kept.slipyard, kept.repository)
        try:
            other.create()
            slipyard(other, "volumes", "restore", other.slug, "data", "--from", row["id"])
            same = facts(export(other))
            dump = same.pop("./dump")
            assert (dump[2], same) == (0o644, facts(before))
        finally:
            slipyard(other, "apps", "delete", other.slug, "--yes", "--wait", "--volumes", "data")

        inside(kept, "rm -r /data/*; echo lost > /data/file")
        slipyard(kept, "volumes", "restore", kept.slug, "data")
        wait_until(lambda: kept.get("/deployments?limit=1")["deployments"][0]["status"] == "active")
        assert inside(kept, "cat /data/file /data/dump") == "kept\nready\n"
    slipyard(kept, "apps", "delete", kept.slug, "--yes", "--wait", "--volumes", "data")
    assert kept.slug not in slipyard(kept, "volumes", "list", "--left-behind")

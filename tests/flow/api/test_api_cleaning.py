"""What fills the disk, and making room there, over HTTP and by the command line: a plan first, which changes nothing."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE

from tests.flow.api.api_server import ApiServer

STRAY = "127.0.0.1:7008/nobody-0:b1-1"


async def slipyard(api: ApiServer, *arguments: str) -> str:
    environment = os.environ | {"SLIPYARD_URL": api.url, "SLIPYARD_TOKEN": api.secret}
    command = (sys.executable, "-m", "slipyard.cli", *arguments)
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=PIPE)
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode()


def write_stale_tree(api: ApiServer) -> str:
    """A tree that no row leads to, and that nobody has touched for a while."""
    path = api.context.layout.snapshot(f"sha256:{'a' * 64}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * 2048)
    os.utime(path, (0, 0))
    return str(path)


async def test_a_plan_by_the_command_line_changes_nothing_and_the_command_itself_does(quiet_api: ApiServer) -> None:
    stale = await asyncio.to_thread(write_stale_tree, quiet_api)

    said = await slipyard(quiet_api, "system", "cleanup", "--dry-run")
    assert "2.0 KiB would be freed" in said
    assert await asyncio.to_thread(os.path.exists, stale)
    assert "2.0 KiB were freed" in await slipyard(quiet_api, "system", "cleanup")
    assert not await asyncio.to_thread(os.path.exists, stale)


async def test_each_thing_has_a_reason_and_the_sum_is_that_of_its_parts(quiet_api: ApiServer) -> None:
    await asyncio.to_thread(write_stale_tree, quiet_api)
    labels = {"slipyard.installation": quiet_api.context.installation_id}
    quiet_api.system.engine.add_image(STRAY, labels=labels)

    answer = await quiet_api.client.post("/v1/system/cleanup?dry_run=true")
    found = answer.raise_for_status().json()

    assert (found["dry_run"], found["freed_bytes"], found["troubles"]) == (True, 2048, [])
    assert [(item["kind"], item["bytes"], item["removable"]) for item in found["removed"]] == [
        ("snapshots", 2048, True)
    ]
    kept = {item["name"]: item["reason"] for item in found["kept"]}
    assert "not Slipyard's to remove" in kept[STRAY]
    assert all(item["reason"] for item in [*found["removed"], *found["kept"]])


async def test_the_disk_is_told_by_its_parts(quiet_api: ApiServer) -> None:
    quiet_api.system.builder.cache_bytes = 4096
    found = (await quiet_api.client.get("/v1/system/disk")).raise_for_status().json()
    assert found["own"] == sum(found["parts"].values())
    assert (found["parts"]["build cache"], found["share"]) == (4096, 0.8)
    assert found["own"] < found["limit"] <= found["total"]
    assert "build cache" in await slipyard(quiet_api, "system", "disk")


async def test_where_the_engine_is_away_the_rest_is_cleaned_and_the_trouble_is_told(quiet_api: ApiServer) -> None:
    stale = await asyncio.to_thread(write_stale_tree, quiet_api)
    quiet_api.system.engine.down = True
    found = (await quiet_api.client.post("/v1/system/cleanup")).raise_for_status().json()
    assert not await asyncio.to_thread(os.path.exists, stale)
    assert any("does not answer" in trouble for trouble in found["troubles"])
    assert found["disk"] is None

"""Schedules through the API and the command line: what is refused, what is shown, what a run answers."""

import asyncio
import json
from typing import Any

import pytest

from slipyard.cli.exit_codes import ExitCode
from slipyard.cli.main import run
from slipyard.clients.simulated_container import Behaviour
from slipyard.pipeline.schedules.keep_schedules import keep_schedules
from tests.flow.api.api_server import ApiServer, until

PATH = "/v1/apps/shop/schedules"
IMAGE = "registry.test/shop:1"


@pytest.fixture
async def shop(api: ApiServer) -> ApiServer:
    works = Behaviour(exits_after=0.0, output=("did it",))
    fails = Behaviour(exits_after=0.0, exit_code=3, output=("oh no",))
    api.system.engine.publish(IMAGE, Behaviour(by_command=(("works", works), ("fails", fails))))
    made = await api.client.post("/v1/apps?wait=60", json={"name": "shop", "image": IMAGE})
    assert made.status_code == 201, made.text

    async def live() -> bool:
        return (await api.client.get("/v1/apps/shop")).json()["status"] == "running"

    await until(live)
    return api


async def add(api: ApiServer, **body: Any) -> dict[str, Any]:
    given = {"name": "nightly", "cron": "0 3 * * *", "command": ["works"], **body}
    answer = await api.client.post(PATH, json=given)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"cron": "every night"}, "cron"),
        ({"cron": "0 0 31 2 *"}, "cron"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"overlap": "maybe"}, "overlap"),
        ({"name": "Night Job"}, "name"),
        ({"command": []}, "command"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"retries": 99}, "retries"),
        ({"schedule": "@daily"}, "schedule"),
    ],
)
async def test_what_cannot_be_is_refused_by_field(quiet_api: ApiServer, body: dict[str, Any], field: str) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "shop"})
    given = {"name": "nightly", "cron": "0 3 * * *", "command": ["works"], **body}
    answer = await quiet_api.client.post(PATH, json=given)
    assert answer.status_code == 422, answer.text
    assert field in answer.json()["error"]["details"][0]["field"]


async def test_a_reader_may_look_and_not_change(quiet_api: ApiServer) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "shop"})
    await add(quiet_api)
    reader = quiet_api.client_of(quiet_api.token("apps:read"))
    assert (await reader.get(PATH)).json()["total"] == 1
    assert (await reader.post(f"{PATH}/nightly/run")).status_code == 403
    assert (await reader.delete(f"{PATH}/nightly")).status_code == 403
    assert (
        await quiet_api.client.post(PATH, json={"name": "nightly", "cron": "@daily", "command": "x"})
    ).status_code == 409
    assert (await quiet_api.client.post(f"{PATH}/nightly/run")).status_code == 409, "nothing is live"
    assert (await quiet_api.client.get(f"{PATH}/other")).status_code == 404


async def test_a_schedule_is_made_changed_run_and_removed(shop: ApiServer) -> None:
    made = await add(shop, time_zone="Europe/Berlin", command="works --all")
    assert made["command"] == ["/bin/sh", "-c", "works --all"]
    assert made["next_at"] is not None
    paused = (await shop.client.patch(f"{PATH}/nightly", json={"enabled": False, "command": ["works"]})).json()
    assert (paused["next_at"], paused["command"]) == (None, ["works"])

    asked = await shop.client.post(f"{PATH}/nightly/run")
    assert asked.status_code == 202, asked.text

    async def over() -> bool:
        await keep_schedules(shop.context)
        return (await shop.client.get(f"{PATH}/nightly/runs/1")).json()["ended_at"] is not None

    await until(over)
    history = (await shop.client.get(f"{PATH}/nightly/runs")).json()
    assert [(each["number"], each["status"], each["cause"], each["exit_code"]) for each in history["runs"]] == [
        (1, "succeeded", "asked", 0)
    ]
    output = (await shop.client.get(f"{PATH}/nightly/runs/1/logs")).json()
    assert [line["message"] for line in output["lines"]] == ["did it"]
    assert (await shop.client.delete(f"{PATH}/nightly")).status_code == 200
    assert (await shop.client.get(PATH)).json() == {"schedules": [], "total": 0}


async def test_the_command_line_says_how_a_run_ended(
    shop: ApiServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLIPYARD_URL", shop.url)
    monkeypatch.setenv("SLIPYARD_TOKEN", shop.secret)

    async def slipyard(*arguments: str) -> int:
        """With a controller beside it."""
        command = asyncio.create_task(asyncio.to_thread(run, ("schedules", *arguments)))
        while not command.done():
            await keep_schedules(shop.context)
            await asyncio.sleep(0.01)
        return await command

    line = ("--app", "shop")
    assert await slipyard("add", "good", "@daily", *line, "--tz", "Europe/Berlin", "--", "works", "--all") == 0
    assert await slipyard("add", "bad", "0 3 * * *", *line, "--retries", "1", "--retry-after", "0s", "--", "fails") == 0
    assert await slipyard("add", "worse", "0 25 * * *", *line, "--", "fails") == ExitCode.REFUSED
    assert await slipyard("run", "good", *line) == 0
    assert await slipyard("run", "bad", *line) == ExitCode.FAILED
    assert await slipyard("logs", "good", *line) == 0
    assert await slipyard("set", "good", *line, "--cron", "@hourly") == 0
    assert await slipyard("pause", "good", *line) == 0
    assert await slipyard("history", "bad", *line) == 0
    said = capsys.readouterr()
    assert "did it" in said.out
    assert "bad hour" in said.err
    assert "exited with code 3" in said.err

    assert await slipyard("list", *line, "--json") == 0
    printed = capsys.readouterr().out
    listed = {row["name"]: row for row in json.JSONDecoder().raw_decode(printed, printed.index("{\n"))[0]["schedules"]}
    assert listed["good"]["cron"] == "@hourly"
    assert listed["good"]["enabled"] is False
    assert listed["bad"]["last_run"]["attempt"] == 2
    assert await slipyard("remove", "bad", *line) == 0

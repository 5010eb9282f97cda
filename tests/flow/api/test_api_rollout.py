"""How a release takes over, told over HTTP and by the command line: merged, checked field by field, and answered."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT

import pytest

from tests.flow.api.api_server import ApiServer, until
from tests.flow.api.test_api_apps import new


async def changed(api: ApiServer, **fields: object) -> dict[str, object]:
    answer = await api.client.patch("/v1/apps/shop", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rollout": {"strategy": "bluegreen"}}, "strategy"),
        ({"rollout": {"max_surge": "110%"}}, "max_surge"),
        ({"rollout": {"max_unavailable": -1}}, "max_unavailable"),
        ({"rollout": {"canary": {"steps": [7]}}}, "steps"),
        ({"rollout": {"canary": {"steps": []}}}, "steps"),
        ({"rollout": {"stop_seconds": -1}}, "stop_seconds"),
        ({"health_check": {"expected_status": "2xx"}}, "expected_status"),
        ({"health_check": {"headers": {"Host": "a\r\nb"}}}, "headers"),
        ({"health_check": {"command": []}}, "command"),
        ({"health_check": {"type": "udp"}}, "type"),
        ({"release_command": "a\x00b"}, "release_command"),
    ],
)
async def test_what_cannot_be_is_refused_by_the_name_of_its_field(quiet_api: ApiServer, body, field: str) -> None:
    await new(quiet_api, "shop")

    answer = await quiet_api.client.patch("/v1/apps/shop", json=body)

    assert answer.status_code == 422
    assert any(field in each["field"] for each in answer.json()["error"]["details"]), answer.text


async def test_one_rule_leaves_the_others_as_they_are(quiet_api: ApiServer) -> None:
    await new(quiet_api, "shop", rollout={"strategy": "canary", "canary": {"steps": [10, 20]}, "max_surge": 2})

    app = await changed(quiet_api, rollout={"canary": {"seconds": 5}})

    assert app["rollout"]["strategy"] == "canary"
    assert app["rollout"]["canary"] == {"steps": [10, 20], "seconds": 5}
    assert app["rollout"]["max_surge"] == "2"


async def test_headers_are_replaced_as_a_whole(quiet_api: ApiServer) -> None:
    await new(quiet_api, "shop", health_check={"path": "/up", "headers": {"Host": "a", "X-Probe": "b"}})

    app = await changed(quiet_api, health_check={"headers": {"Host": "c"}})

    assert app["health_check"]["headers"] == {"Host": "c"}
    assert app["health_check"]["path"] == "/up"


async def test_names_of_others_are_known(quiet_api: ApiServer) -> None:
    names = {
        "strategy": "recreate",
        "preDeployCommand": "migrate",
        "health_check_path": "/up",
        "healthCheckReturnCode": 204,
    }

    app = await new(quiet_api, "shop", **names)

    assert (app["rollout"]["strategy"], app["release_command"]) == ("recreate", "migrate")
    assert app["health_check"]["expected_status"] == "204"


async def test_a_command_is_taken_away_by_null(quiet_api: ApiServer) -> None:
    await new(quiet_api, "shop", release_command=["bin/migrate", "--all"], before_deploy="date")

    app = await changed(quiet_api, release_command=None)

    assert (app["release_command"], app["before_deploy"]) == (None, "date")


async def test_the_command_line_changes_only_what_it_names(quiet_api: ApiServer) -> None:
    await new(quiet_api, "shop", rollout={"max_surge": 2}, release_command="migrate", health_check={"path": "/up"})

    code, out = await command(
        quiet_api,
        "--strategy",
        "canary",
        "--canary-steps",
        "10,50",
        "--release-command",
        "none",
        "--after-deploy",
        "warm",
    )

    app = (await quiet_api.client.get("/v1/apps/shop")).json()
    assert code == 0, out
    assert (app["rollout"]["strategy"], app["rollout"]["canary"]["steps"]) == ("canary", [10, 50])
    assert (app["rollout"]["max_surge"], app["health_check"]["path"]) == ("2", "/up")
    assert (app["release_command"], app["after_deploy"]) == (None, "warm")
    assert "10 %, 50 %, 60 s each" in out


async def test_steps_that_are_no_numbers_are_wrong_usage(quiet_api: ApiServer) -> None:
    await new(quiet_api, "shop")

    assert (await command(quiet_api, "--canary-steps", "ten"))[0] == 2


async def command(api: ApiServer, *arguments: str) -> tuple[int, str]:
    """Exit code and output of `slipyard apps rollout shop ...`."""
    environment = os.environ | {"SLIPYARD_URL": api.url, "SLIPYARD_TOKEN": api.secret}
    line = [sys.executable, "-m", "slipyard.cli", "apps", "rollout", "shop", *arguments]
    process = await asyncio.create_subprocess_exec(*line, env=environment, stdout=PIPE, stderr=STDOUT)
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def test_a_recreate_says_beforehand_what_visitors_will_notice(api: ApiServer) -> None:
    for version in (1, 2):
        api.system.engine.publish(f"registry.example/shop:{version}")
    await new(api, "shop", rollout={"strategy": "recreate"})
    first = (await api.client.post("/v1/apps/shop/deploy", json={"image": "registry.example/shop:1"})).json()
    assert first["beforehand"] is None, "nobody is served yet"
    await until(lambda: is_active(api, first["deployment_id"]))

    asked = (await api.client.post("/v1/apps/shop/deploy", json={"image": "registry.example/shop:2"})).json()

    assert asked["beforehand"].startswith("By its strategy the old instances end before the new ones start")
    assert asked["message"] == f"Deployment 2 is on its way. {asked['beforehand']}"


async def is_active(api: ApiServer, deployment_id: str) -> bool:
    return (await api.client.get(f"/v1/apps/shop/deployments/{deployment_id}")).json()["status"] == "active"


async def test_a_dry_run_says_the_way_back_and_goes_none(api: ApiServer) -> None:
    for version in (1, 2):
        api.system.engine.publish(f"registry.example/shop:{version}")
    await new(api, "shop")
    for version in (1, 2):
        body = {"image": f"registry.example/shop:{version}"}
        assert (await api.client.post("/v1/apps/shop/deploy?wait=30", json=body)).json()["status"] == "active"

    asked = await api.client.post("/v1/apps/shop/rollback?dry_run=true")

    assert asked.status_code == 200, asked.text
    assert (asked.json()["way"], len(asked.json()["changes"])) == ("started", 1)
    assert "new instances are started" in asked.json()["message"]
    assert "registry.example/shop:2" in asked.json()["changes"][0]
    assert len((await api.client.get("/v1/apps/shop/deployments")).json()["deployments"]) == 2
    gone = (await api.client.post("/v1/apps/shop/rollback?wait=30")).json()
    assert (gone["status"], gone["way_back"]) == ("active", "started")

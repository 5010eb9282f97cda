"""Plans of the settings file: what is above one is refused by name, and what is there already goes on."""

import asyncio
from typing import Any

import pytest
from httpx import Response

from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.plan import Plan, Region
from slipyard.domain.settings import read_settings
from tests.flow.api.api_server import ApiServer, until

IMAGE = "registry.test/shop:1"
SMALL = Plan(id="small", cpu_cores=0.5, memory_mb=128, processes=64, max_instances=2, max_apps=2, max_custom_domains=1)
LARGE = Plan(id="large", name="Large", cpu_cores=4, memory_mb=4096, default=True)


@pytest.fixture
def planned(quiet_api: ApiServer) -> ApiServer:
    quiet_api.system.set(
        plans=[SMALL, LARGE], regions=[Region(code="local", name="Here"), Region(code="fra", name="F", available=False)]
    )
    return quiet_api


async def make(api: ApiServer, name: str = "shop", **body: Any) -> Response:
    return await api.client.post("/v1/apps", json={"name": name, "plan": "small", **body})


def error(answer: Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    return dict(answer.json()["error"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"resources": {"cpu": "600m"}}, "resources.cpu"),
        ({"memory": 256}, "resources.memory"),
        ({"resources": {"processes": 100}}, "resources.processes"),
        ({"max_instances": 3}, "max_instances"),
        ({"services": {"worker": {"resources": {"memory": "1Gi"}}}}, "services.worker.resources.memory"),
        ({"services": {"worker": {"replicas": 5}}}, "services.worker.replicas"),
    ],
    ids=str,
)
async def test_more_than_the_plan_has_is_refused_by_name(planned: ApiServer, body: dict[str, Any], field: str) -> None:
    refused = error(await make(planned, **body), 403)
    assert refused["code"] == "quota_exceeded"
    assert field in [each["field"] for each in refused["details"]]
    assert (await planned.client.get("/v1/apps")).json()["total"] == 0


async def test_a_plan_or_region_that_is_not_there_is_refused(planned: ApiServer) -> None:
    assert "small, large" in error(await make(planned, plan="huge"), 422)["message"]
    assert error(await make(planned, region="fra"), 422)["details"][0]["field"] == "region"


async def test_without_plans_nothing_is_limited_and_none_can_be_named(quiet_api: ApiServer) -> None:
    assert (await quiet_api.client.get("/v1/apps/plans")).json() == []
    assert (await make(quiet_api, plan=None, resources={"cpu": "8"})).status_code == 201
    assert error(await make(quiet_api, "other"), 422)["details"][0]["field"] == "plan"


async def test_an_app_gets_what_its_plan_has(planned: ApiServer) -> None:
    small, usual = (await make(planned)).json(), (await make(planned, "big", plan=None)).json()
    assert small["resources"] == {"cpu": "0.5", "memory": "128Mi", "processes": 64}
    assert (small["plan_id"], small["plan_max_apps"], small["region"]) == ("small", 2, "local")
    assert (usual["plan_id"], usual["plan_name"], usual["resources"]["memory"]) == ("large", "Large", "4096Mi")
    listed = (await planned.client.get("/v1/apps/plans")).json()
    assert [(plan["id"], plan["is_default"]) for plan in listed] == [("small", False), ("large", True)]
    assert [region["available"] for region in (await planned.client.get("/v1/apps/regions")).json()] == [True, False]


async def test_a_plan_has_so_many_apps_and_domains_and_never_changes(planned: ApiServer) -> None:
    assert [(await make(planned, name)).status_code for name in ("shop", "docs", "more")] == [201, 201, 403]
    domains = "/v1/apps/shop/domains"
    assert (await planned.client.post(domains, json={"host": "one.example.com"})).status_code == 201
    assert "has 1" in error(await planned.client.post(domains, json={"host": "two.example.com"}), 403)["message"]
    assert error(await planned.client.patch("/v1/apps/shop", json={"plan": "large"}), 422)["code"] == "immutable"
    same = {"plan": "small", "region": "local", "description": "x"}
    assert (await planned.client.patch("/v1/apps/shop", json=same)).status_code == 200


async def test_a_plan_that_became_smaller_stops_no_redeploy_and_no_other_change(api: ApiServer) -> None:
    api.system.engine.publish(IMAGE, Behaviour())
    api.system.set(plans=[LARGE])
    await make(api, plan="large", image=IMAGE, resources={"memory": "2Gi"}, replicas=2)
    await live(api)
    api.system.set(plans=[LARGE.model_copy(update={"memory_mb": 512, "max_instances": 1})])

    assert (await api.client.post("/v1/apps/shop/deploy?wait=60")).json()["status"] == "active"
    assert (await api.client.patch("/v1/apps/shop", json={"description": "x"})).status_code == 200
    assert (await api.client.patch("/v1/apps/shop", json={"port": 3000})).status_code == 200
    assert error(await api.client.patch("/v1/apps/shop", json={"cpu": 8}), 403)["code"] == "quota_exceeded"
    smaller = {"resources": {"memory": "512Mi"}, "replicas": 1}
    assert (await api.client.patch("/v1/apps/shop", json=smaller)).status_code == 200


async def test_a_deployment_that_asks_for_more_fails_and_says_why(api: ApiServer) -> None:
    api.system.engine.publish(IMAGE, Behaviour())
    api.system.set(plans=[SMALL])
    await make(api, image=IMAGE)
    await live(api)
    answer = await api.client.post("/v1/apps/shop/deploy?wait=60", json={"replicas": 5})
    said = answer.json()
    assert "at the most 2" in str(said), said
    assert (await api.client.get("/v1/apps/shop")).json()["running_instances"] == 1


def test_plans_stand_in_the_settings_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("SLIPYARD_HOME", str(tmp_path))
    (tmp_path / "settings.toml").write_text('[[plans]]\nid = "small"\ncpu_cores = 0.5\nmemory_mb = 256\n')
    (plan,) = read_settings().plans
    assert (plan.id, plan.resources.cpu, plan.resources.memory) == ("small", "0.5", "256Mi")


async def live(api: ApiServer) -> None:
    async def is_live() -> bool:
        return bool((await api.client.get("/v1/apps/shop")).json()["status"] == "running")

    await asyncio.wait_for(until(is_live), 60)

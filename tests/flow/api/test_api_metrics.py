"""Metrics over HTTP: now, by range, of all apps, and for Prometheus; and what is asked wrongly says what is right."""

import re
from datetime import UTC, datetime

import pytest

from slipyard.domain.traffic import TrafficCount
from slipyard.domain.usage import Consumed, Usage
from slipyard.store.series.files import Measured, SeriesFiles
from slipyard.store.series.ring import FINE
from slipyard.store.series.series import traffic_series, usage_series
from tests.flow.api.api_server import ApiServer

MIB = 1024 * 1024
_LINE = re.compile(r'[a-z_]+\{([a-z_]+="(\\.|[^"\\])*",?)*\} -?[0-9.e+-]+')


@pytest.fixture
async def app_id(quiet_api: ApiServer) -> str:
    """Measured for the last hour: half a core of one, a request a second, one in five an error."""
    made = (await quiet_api.client.post("/v1/apps", json={"name": "shop"})).json()["id"]
    files = SeriesFiles(quiet_api.context.layout.metrics)
    usage = usage_series(files.usage(made, Measured("service", "web")))
    instance = usage_series(files.usage(made, Measured("instance", "ins_gone")))
    traffic = traffic_series(files.traffic(made, Measured("service", "web")))
    end = FINE.begin(datetime.now(UTC).timestamp())
    count = TrafficCount()
    for status in (200, 201, 302, 404, 500) * 3:
        count.add(status, 0.02)
    value = Usage(cpu=0.5, cpu_limit=1, memory=64 * MIB, memory_limit=128 * MIB, instances=1, requests=15, errors=3)
    for moment in range(end - 3600, end + 1, 15):
        usage.record(moment, value, Consumed(cpu_seconds=7.5, received=100))
        instance.record(moment, value, Consumed(cpu_seconds=7.5))
        traffic.record(moment, count.value(), count.value())
    return str(made)


@pytest.mark.parametrize(
    "query",
    ["range=1x", "range=40d", "range=1s", "step=x&range=1h", "range=30d&step=-1", "service=none", "instance=none"],
)
async def test_what_is_asked_wrongly_says_what_is_right(quiet_api: ApiServer, app_id: str, query: str) -> None:
    answer = await quiet_api.client.get(f"/v1/apps/{app_id}/metrics?{query}")
    assert answer.status_code in {404, 422}
    assert re.search("write it as|between|lists what is", answer.json()["error"]["message"])


async def test_an_app_that_never_ran_has_no_series(quiet_api: ApiServer) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "empty"})
    assert (await quiet_api.client.get("/v1/apps/empty/metrics")).json()["series"] == []
    assert (await quiet_api.client.get("/v1/metrics")).json() == {"services": []}


async def test_now_is_the_newest_step_beside_its_limits(quiet_api: ApiServer, app_id: str) -> None:
    found = (await quiet_api.client.get("/v1/apps/shop/metrics")).json()
    (web,) = found["series"]
    now, answers = web["now"], web["answers"]
    assert (found["range_seconds"], web["points"]) == (None, [])
    assert (now["cpu_cores"], now["cpu_percent"], now["memory_percent"]) == (0.5, 50.0, 50.0)
    assert (now["requests_per_second"], now["errors_per_second"]) == (1.0, 0.2)
    assert answers["statuses"]["5xx"] * 5 == answers["requests"]
    assert 15 < answers["p95_ms"] < 26


async def test_a_range_is_cut_into_steps(quiet_api: ApiServer, app_id: str) -> None:
    found = (await quiet_api.client.get("/v1/apps/shop/metrics?range=30m&step=1m")).json()
    (web,) = found["series"]
    assert found["step_seconds"] == 60
    assert 30 <= len(web["points"]) <= 31
    assert web["answer_points"][3]["requests"] == 60
    assert all(point["memory_bytes"] == 64 * MIB for point in web["points"])
    assert web["answers"]["requests"] == sum(point["requests"] for point in web["answer_points"])


async def test_long_ranges_come_from_the_coarse_steps(quiet_api: ApiServer, app_id: str) -> None:
    found = (await quiet_api.client.get("/v1/apps/shop/metrics?range=30d&step=15s")).json()
    assert found["step_seconds"] == 300
    assert 12 <= len(found["series"][0]["points"]) <= 14
    assert found["series"][0]["answer_points"][2]["requests"] == 300


async def test_an_instance_that_is_gone_can_still_be_asked_for(quiet_api: ApiServer, app_id: str) -> None:
    (gone,) = (await quiet_api.client.get("/v1/apps/shop/metrics?range=1h&instance=ins_gone")).json()["series"]
    assert (gone["kind"], gone["answers"]) == ("instance", None)
    assert len(gone["points"]) > 200


async def test_all_apps_that_a_token_sees_and_no_other(quiet_api: ApiServer, app_id: str) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "other"})
    made = await quiet_api.client.post("/v1/tokens", json={"name": "o", "scopes": ["apps:read"], "app": "other"})
    bound = quiet_api.client_of(made.json()["token"])
    assert [row["app"] for row in (await quiet_api.client.get("/v1/metrics")).json()["services"]] == ["shop"]
    assert (await bound.get("/v1/metrics")).json()["services"] == []
    assert (await bound.get("/metrics")).text == ""


async def test_prometheus_needs_a_token_and_gets_its_text_format(quiet_api: ApiServer, app_id: str) -> None:
    assert (await quiet_api.client_of(None).get("/metrics")).status_code == 401
    answer = await quiet_api.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert all(line.startswith(("# HELP ", "# TYPE ")) or _LINE.fullmatch(line) for line in lines)
    assert 'slipyard_requests_total{app="shop",service="web",status="5xx"} 723' in lines
    assert 'slipyard_cpu_seconds_total{app="shop",service="",instance_id="ins_gone"} 1807.5' in lines
    assert 'slipyard_request_duration_seconds_bucket{app="shop",service="web",le="+Inf"} 3615' in lines
    assert [line for line in lines if line.startswith("# TYPE")] == sorted(
        {line for line in lines if line.startswith("# TYPE")}, key=lines.index
    )


async def test_a_log_drain_is_made_shown_changed_and_removed_without_its_secrets(quiet_api: ApiServer) -> None:
    url, word = "https://logs.example.com/in/hidden-path", "Bearer hidden-word"
    made = await quiet_api.client.post(
        "/v1/log-drains", json={"name": "central", "kind": "http", "url": url, "authorization": word}
    )
    assert (made.status_code, made.json()["target"]) == (201, "https://logs.example.com")
    assert (made.json()["sent"], made.json()["dropped"], made.json()["enabled"]) == (0, 0, True)
    changed = await quiet_api.client.patch("/v1/log-drains/central", json={"enabled": False})
    listed = await quiet_api.client.get("/v1/log-drains")
    assert (changed.json()["enabled"], listed.json()["total"]) == (False, 1)
    assert "hidden" not in made.text + changed.text + listed.text
    refused = await quiet_api.client.post(
        "/v1/log-drains", json={"name": "x", "kind": "http", "url": "http://169.254.169.254/"}
    )
    assert refused.status_code == 422
    assert (await quiet_api.client.delete("/v1/log-drains/central")).status_code == 200
    assert (await quiet_api.client.get("/v1/log-drains/central")).status_code == 404

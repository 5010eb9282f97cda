"""What a live app uses and answers is measured, and what its dead release wrote is still there."""

import json
import re
from typing import Any

import httpx

from tests.engine.waiting import wait_until
from tests.engine.whole_app import SERVES, WholeApp

MIB = 1024 * 1024
SAYS = SERVES.replace("CMD exec", "CMD echo this is $(cat /www/index.html); exec")


def service(app: WholeApp) -> dict[str, Any] | None:
    found = [each for each in app.get("/metrics")["series"] if each["kind"] == "service" and each["now"]]
    return found[0] if found else None


def test_a_live_app_shows_what_it_uses_beside_its_limits_and_what_it_answers(whole_app: WholeApp) -> None:
    whole_app.create(resources={"cpu": "500m", "memory": "128Mi"})
    whole_app.slipyard.slipyard("alerts", "add", "memory", "--at", "0.01", "--for", "0s", "--app", whole_app.slug)
    whole_app.push("one", SAYS)
    first = [each["id"] for each in whole_app.instances("running")]
    whole_app.push("two", SAYS)
    answers = [whole_app.slipyard.answer(whole_app.slug, path).status_code for path in ("/", "/", "/none")]
    assert answers == [200, 200, 404]

    def measured() -> dict[str, Any] | None:
        found = service(whole_app)
        return found if found and found["answers"]["requests"] >= len(answers) else None

    found = wait_until(measured, seconds=120)
    assert found["now"]["cpu_limit_cores"] == 0.5
    assert found["now"]["memory_limit_bytes"] == 128 * MIB
    assert 0 < found["now"]["memory_bytes"] < 128 * MIB
    assert found["answers"]["statuses"] == {"2xx": 2, "4xx": 1}
    assert found["answers"]["p99_ms"] > 0
    _the_alert_fires(whole_app)
    _the_commands_and_prometheus_say_the_same(whole_app)
    _the_dead_release_is_still_read(whole_app, first)


def _the_alert_fires(app: WholeApp) -> None:
    wait_until(lambda: [each["state"] for each in app.get("/alerts")["alerts"]] == ["firing"], seconds=120)
    assert "memory\t0.01\t0 s\tfiring" in app.slipyard.slipyard("alerts", "list", "--app", app.slug)
    events = app.get("/events?limit=100")["events"]
    assert [each["kind"] for each in events if each["kind"].startswith("alert.")] == ["alert.firing"]


def _the_commands_and_prometheus_say_the_same(app: WholeApp) -> None:
    slipyard = app.slipyard
    points = json.loads(slipyard.slipyard("metrics", app.slug, "--range", "15m", "--json"))["series"][0]["points"]
    assert points[-1]["memory_limit_bytes"] == 128 * MIB
    assert "of 128.0 MiB" in slipyard.slipyard("metrics", app.slug)
    assert f"{app.slug} web\t" in slipyard.slipyard("top")

    url = f"http://127.0.0.1:{slipyard.port}/metrics"
    assert httpx.get(url).status_code == 401
    text = httpx.get(url, headers={"Authorization": f"Bearer {slipyard.token}"}).raise_for_status().text
    requests = re.escape(f'slipyard_requests_total{{app="{app.slug}",service="web",status="2xx"}}')
    assert re.search(rf"^{requests} 2$", text, re.MULTILINE)


def _the_dead_release_is_still_read(app: WholeApp, first: list[str]) -> None:
    """Once it is gone: until then it is paused for a way back, and its output is the engine's."""
    with app.slipyard.client() as client:
        client.post(f"/apps/{app.slug}/stop").raise_for_status()
    wait_until(lambda: app.get("/instances")["instances"] == [])
    said = app.slipyard.slipyard("logs", app.slug)
    assert [line for line in said.splitlines() if "this is one" in line]
    assert [line for line in said.splitlines() if "this is two" in line]
    assert "this is one" in app.slipyard.slipyard("logs", app.slug, "--instance", first[0])

"""An app of three services on a real engine: two of its own image, and a store with an image that nobody builds."""

from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp

# The store speaks Redis; `nc` is enough of a client. What the worker counts there the web shows.
COUNT = "printf 'INCR seen\\r\\nQUIT\\r\\n' | nc store 6379"
SHOW = "printf 'GET seen\\r\\nQUIT\\r\\n' | nc store 6379"
DOCKERFILE = f"""\
FROM busybox
STOPSIGNAL SIGKILL
RUN mkdir -p /www/cgi-bin && printf '%s\\n' '#!/bin/sh' 'echo; echo' "{SHOW}" > /www/cgi-bin/seen \\
 && printf '%s\\n' "while {COUNT}; do sleep 0.2; done" > /work.sh && chmod +x /www/cgi-bin/seen
"""
WORKS = "web: httpd -f -p $PORT -h /www\nworker: sh /work.sh\n"
FAILS = "web: httpd -f -p $PORT -h /www\nworker: sh -c 'echo no such queue; exit 3'\n"
AFTER_STORE = {"depends_on": [{"service": "store"}]}


def test_services_find_each_other_and_go_live_or_stay_together(whole_app: WholeApp) -> None:
    services = {"store": {"image": "redis:7"}, "worker": AFTER_STORE, "web": AFTER_STORE}
    whole_app.create(services=services)
    said = _push(whole_app, WORKS)
    assert whole_app.deployments()[0]["status"] == "active", said
    wait_until(lambda: _seen(whole_app) > 0)
    first = _containers(whole_app)
    assert {each["name"]: each["status"] for each in whole_app.get("/services")["services"]} == {
        "web": "running", "store": "running", "worker": "running",
    }  # fmt: skip

    said = _push(whole_app, FAILS)
    assert whole_app.deployments()[0]["status"] == "failed"
    assert "no such queue" in said
    wait_until(lambda: _containers(whole_app) == first)
    _counts_on(whole_app)

    assert whole_app.post("scale", json={"replicas": {"worker": 2}}).status_code == 200
    whole_app.wait_over(whole_app.deployments()[0])
    wait_until(lambda: len(_containers(whole_app)["worker"]) == 2)
    scaled = _containers(whole_app)
    assert (scaled["web"], scaled["store"]) == (first["web"], first["store"])
    assert first["worker"] < scaled["worker"]

    assert whole_app.post("restart?service=worker&wait=60").json()["status"] == "active"
    wait_until(lambda: len(_containers(whole_app)["worker"]) == 2)
    restarted = _containers(whole_app)
    assert (restarted["web"], restarted["store"]) == (first["web"], first["store"])
    assert not restarted["worker"] & scaled["worker"]
    _counts_on(whole_app)


def _push(app: WholeApp, procfile: str) -> str:
    app.repository.commit("services", Dockerfile=DOCKERFILE, Procfile=procfile)
    return app.slipyard.git_push(app.repository.path, app.slug)


def _seen(app: WholeApp) -> int:
    """What the store says of a number is its length, then its digits."""
    lines = app.slipyard.answer(app.slug, "/cgi-bin/seen").text.split()
    return next((int(line) for line in lines if line.isdecimal()), 0)


def _counts_on(app: WholeApp) -> None:
    before = _seen(app)
    wait_until(lambda: _seen(app) > before)


def _containers(app: WholeApp) -> dict[str, set[str]]:
    """The ids of those that run or are on their way out, by service."""
    found: dict[str, set[str]] = {}
    for each in app.all_containers():
        if each["State"] != "paused":
            found.setdefault(each["Labels"]["slipyard.service"], set()).add(each["Id"])
    return found

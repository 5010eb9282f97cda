"""`slipyard ps` and `slipyard events` against answers as the API gives them."""

import json
from collections.abc import Iterator

import pytest

from slipyard.cli.main import run
from tests.flow.test_cli_commands import Api

WEB = {
    "id": "ins_01234567890aaaaaaaa", "name": "shop-web-aaaaaaaa", "service": "web", "phase": "running", "ready": True,
    "restarts": 0, "trouble": None, "started_at": "2026-01-01T00:00:00Z", "created_at": "2026-01-01T00:00:00Z",
}  # fmt: skip
LOOPS = WEB | {"id": "ins_01234567890bbbbbbbb", "service": "worker", "restarts": 4, "trouble": "Crash loop: 4 ends."}
COMING = WEB | {"id": "ins_01234567890cccccccc", "phase": "starting", "ready": False}
KEPT = WEB | {"id": "ins_01234567890dddddddd", "phase": "paused"}
STATUS = {
    "state": "degraded", "message": "1 of 2 instances serve.", "desired_replicas": 2, "ready_replicas": 1,
    "instances": [LOOPS, COMING, WEB, KEPT],
}  # fmt: skip
EVENT = {
    "sequence": 3, "kind": "deployment.failed", "message": "Never ready.", "created_at": "2026-01-01T00:00:00Z",
}  # fmt: skip


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    server = Api()
    monkeypatch.setenv("SLIPYARD_URL", server.url)
    monkeypatch.setenv("SLIPYARD_TOKEN", "secret")
    yield server
    server.close()


def test_an_app_that_is_not_there_is_refused(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ps", "--app", "nobody"]) == 3
    assert run(["events", "nobody"]) == 3
    assert capsys.readouterr().out == ""


def test_each_instance_has_a_line_with_its_state_and_what_is_wrong(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.answers["GET /apps/shop/status"] = STATUS

    assert run(["ps", "--app", "shop"]) == 0

    head, *lines, total = capsys.readouterr().out.splitlines()
    shown = {row.split("\t")[1]: row.split("\t") for row in lines}
    assert head.split("\t") == ["SERVICE", "INSTANCE", "STATE", "HEALTH", "SINCE", "RESTARTS", "NOTE"]
    assert [row.split("\t")[0] for row in lines] == ["web", "web", "web", "worker"]
    assert shown["aaaaaaaa"][2:4] == ["running", "ok"]
    assert shown["bbbbbbbb"][3::2] == ["fail", "4"]
    assert shown["bbbbbbbb"][-1] == "Crash loop: 4 ends."
    assert (shown["cccccccc"][3], shown["dddddddd"][2:4]) == ("not yet", ["paused", "-"])
    assert total == "1 of 2 ready. 1 of 2 instances serve."


def test_an_app_that_was_never_deployed_says_so(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = {"instances": [], "desired_replicas": 1, "ready_replicas": 0, "message": "Nothing was deployed yet."}
    api.answers["GET /apps/shop/status"] = nothing

    assert run(["ps", "--app", "shop"]) == 0
    assert capsys.readouterr().out == "0 of 1 ready. Nothing was deployed yet.\n"


def test_events_are_the_newest_of_the_kind_asked_for(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[str] = []

    def answer(handler: object) -> dict[str, object]:
        asked.append(handler.path)  # type: ignore[attr-defined]
        return {"events": [EVENT], "has_more": False, "next_after": 3}

    api.answers["GET /apps/shop/events"] = answer

    assert run(["events", "shop", "-n", "20", "--kind", "deployment"]) == 0
    assert capsys.readouterr().out == "2026-01-01T00:00:00Z\tdeployment.failed\tNever ready.\n"
    assert asked == ["/v1/apps/shop/events?newest=true&limit=20&kind=deployment"]
    assert run(["events", "shop", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["events"] == [EVENT]

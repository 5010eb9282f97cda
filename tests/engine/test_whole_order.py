"""The newest commit is what lives at the end, whoever comes first, and however many come at once."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.engine.installation import Installation
from tests.engine.whole_app import SERVES, WholeApp, new_app
from tests.flow.repository import Repository

CROWD = 40


def slow() -> str:
    """A build of two seconds that no cache has."""
    return SERVES + f"RUN sleep 2 && echo {secrets.token_hex(4)}\n"


def test_the_later_of_two_pushes_is_live_at_the_end(whole_app: WholeApp) -> None:
    older = whole_app.push_detached("one", slow())
    newer = whole_app.push_detached("two")

    whole_app.wait_status(newer, "active")
    rows = whole_app.wait_settled()

    assert whole_app.text() == "two"
    assert next(row["status"] for row in rows if row["id"] == older["id"]) in {"superseded", "cancelled"}
    assert [row["id"] for row in rows if row["status"] == "active"] == [newer["id"]]


def test_what_waits_is_overtaken_by_a_newer_push(whole_app: WholeApp) -> None:
    """Three pushes while the first one builds: the second is never built."""
    first = whole_app.push_detached("one", slow())
    whole_app.wait_status(first, "building")
    second, third = whole_app.push_detached("two"), whole_app.push_detached("three")

    whole_app.wait_status(third, "active")
    whole_app.wait_settled()

    assert whole_app.text() == "three"
    assert whole_app.wait_over(second)["status"] == "cancelled"
    assert [row["status"] for row in whole_app.builds()] == ["succeeded", "superseded", "succeeded"]


def test_what_never_gets_ready_is_overtaken_by_a_newer_push(whole_app: WholeApp) -> None:
    whole_app.create(health_check={"start_period": 300})
    whole_app.push("one")
    stuck = whole_app.push_detached("two", "FROM busybox\nCMD sleep 600\n")
    whole_app.wait_status(stuck, "verifying")

    whole_app.push("three")

    assert whole_app.text() == "three"
    over = whole_app.wait_over(stuck)
    assert (over["status"], over["error"]) == (
        "cancelled",
        "Deployment 3 took its place before all requests went there.",
    )
    whole_app.wait_settled()


def test_a_forced_push_goes_back_on_purpose(whole_app: WholeApp) -> None:
    whole_app.push("one")
    whole_app.push("two")
    whole_app.repository.git("reset", "--quiet", "--hard", "HEAD~1")

    whole_app.slipyard.git_push(whole_app.repository.path, whole_app.slug, "+main")

    assert whole_app.text() == "one"


def test_the_same_commit_again_changes_nothing(whole_app: WholeApp) -> None:
    whole_app.push("one")
    container = whole_app.container_ids()

    said = whole_app.slipyard.git_push(whole_app.repository.path, whole_app.slug, "main")

    assert "Everything up-to-date" in said
    assert len(whole_app.deployments()) == 1
    assert whole_app.container_ids() == container


def test_another_branch_is_stored_and_not_deployed(whole_app: WholeApp) -> None:
    whole_app.push("one")
    whole_app.repository.git("checkout", "--quiet", "-b", "topic")
    whole_app.commit("two")

    said = whole_app.slipyard.git_push(whole_app.repository.path, whole_app.slug, "topic")

    assert "refs/heads/topic was stored; only branch main is deployed." in said
    assert len(whole_app.deployments()) == 1
    assert whole_app.text() == "one"


def test_a_crowd_of_apps_goes_live(slipyard: Installation, tmp_path: Path) -> None:
    apps = [new_app(slipyard, Repository(tmp_path / str(number)), "crowd") for number in range(CROWD)]
    with ThreadPoolExecutor(8) as pool:
        pushed = list(pool.map(lambda app: app.push_detached(app.slug), apps))
        for app, deployment in zip(apps, pushed, strict=True):
            app.wait_status(deployment, "active")
        assert [app.text() for app in apps] == [app.slug for app in apps]
        list(pool.map(lambda app: app.delete(), apps))

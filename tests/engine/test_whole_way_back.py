"""Going back under load: a thaw and a rename, asked for by somebody or by a release that went bad. No request is lost."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.engine.kills import service_of
from tests.engine.sudden_server import DOCKERFILE, SERVER
from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp
from tests.engine.whole_load import READ, SLOW, WRITE, Load


def release(app: WholeApp, text: str) -> None:
    app.repository.commit(text, Dockerfile=DOCKERFILE, server__py=SERVER, index__html=text)
    app.slipyard.git_push(app.repository.path, app.slug)


def test_going_back_to_the_paused_release_starts_no_container_and_loses_no_request(whole_app: WholeApp) -> None:
    release(whole_app, "first")
    release(whole_app, "second")
    paused = whole_app.wait_paused()
    containers = {each["Id"] for each in whole_app.all_containers()}

    expected = whole_app.slipyard.slipyard("rollback", "--app", whole_app.slug, "--dry-run")
    assert "they only have to be thawed" in expected
    assert "The commit goes from" in expected

    with Load(whole_app, READ, WRITE, SLOW) as load:
        said = whole_app.slipyard.slipyard("rollback", "--app", whole_app.slug)
        load.more()

    assert load.lost == []
    assert load.texts == {"first", "second"}
    assert [each["id"] for each in whole_app.instances("running")] == paused
    assert {each["Id"] for each in whole_app.all_containers()} <= containers
    assert "run on" in said
    assert whole_app.deployments()[0]["way_back"] == "thawed"


def test_a_release_that_dies_after_the_switch_is_left_by_itself_and_loses_no_request(whole_app: WholeApp) -> None:
    release(whole_app, "first")

    with Load(whole_app, READ) as load:
        release(whole_app, "second dies")
        wait_until(lambda: whole_app.deployments()[0]["trigger"] == "rollback")
        wait_until(lambda: whole_app.deployments()[0]["status"] == "active")
        load.more()

    back, bad, _ = whole_app.deployments()
    assert load.lost == []
    assert load.texts == {"first", "second dies"}
    assert whole_app.text() == "first"
    assert (bad["status"], bad["log_tail"]) == ("rolled_back", ["the cache is corrupt"])
    assert "ended" in bad["error"]
    assert back["actor"] == "slipyard"


def test_an_image_comes_from_the_registry_alone_or_from_the_engine_alone_or_is_refused(whole_app: WholeApp) -> None:
    for text in ("first", "second", "third"):
        release(whole_app, text)
    wait_until(lambda: all(build["published_at"] for build in whole_app.builds()))
    whole_app.wait_paused()
    third, second, first = whole_app.deployments()
    built = {build["id"]: build for build in whole_app.builds()}
    wait_until(lambda: len(whole_app.all_containers()) == 2)  # the third and the second
    whole_app.remove_image(built[first["build_id"]]["image_id"])

    whole_app.slipyard.slipyard("rollback", "--app", whole_app.slug, str(first["number"]))

    assert whole_app.text() == "first"
    assert whole_app.deployments()[0]["way_back"] == "pulled"

    wait_until(lambda: second["id"] not in of_deployments(whole_app))  # nothing is left of it to thaw
    with stopped_registry(whole_app):
        whole_app.slipyard.slipyard("rollback", "--app", whole_app.slug, str(second["number"]))
    assert whole_app.text() == "second"
    assert whole_app.deployments()[0]["way_back"] == "started"

    wait_until(lambda: third["id"] not in of_deployments(whole_app))
    whole_app.remove_image(built[third["build_id"]]["image_id"])
    forget_manifest(whole_app, built[third["build_id"]])
    said = whole_app.slipyard.slipyard("rollback", "--app", whole_app.slug, str(third["number"]), ok=False)
    assert "is neither on this engine nor in its registry" in said
    assert whole_app.deployments()[0]["status"] == "failed"
    assert whole_app.text() == "second"


def of_deployments(app: WholeApp) -> set[str]:
    """That have a container."""
    return {each["Labels"]["slipyard.deployment"] for each in app.all_containers()}


@contextmanager
def stopped_registry(app: WholeApp) -> Iterator[None]:
    """It answers nobody; killed, it would be started again at once."""
    registry = service_of(app.slipyard, "registry")
    registry.send(signal.SIGSTOP)
    try:
        yield
    finally:
        registry.send(signal.SIGCONT)


def forget_manifest(app: WholeApp, build: dict[str, Any]) -> None:
    repository = build["image"].partition("/")[2].rpartition(":")[0]
    port = app.slipyard.environment["SLIPYARD_REGISTRY_PORT"]
    password = (app.slipyard.home / "registry.password").read_text().strip()
    url = f"http://127.0.0.1:{port}/v2/{repository}/manifests/{build['manifest_digest']}"
    httpx.delete(url, auth=("slipyard", password)).raise_for_status()

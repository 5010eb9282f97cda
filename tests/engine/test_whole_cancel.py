"""A cancel ends the work itself, not only its row."""

import secrets

from tests.engine.git_hosts import command_lines
from tests.engine.waiting import wait_until
from tests.engine.whole_app import SERVES, WholeApp


def endless_build() -> tuple[str, str]:
    """A Dockerfile, and the words by which its step is found among the processes of the machine."""
    mark = f"sleep 600 && echo {secrets.token_hex(6)}"
    return mark, SERVES + f"RUN {mark}\n"


def endless_start(seconds: int) -> str:
    return f"FROM busybox\nSTOPSIGNAL SIGKILL\nCMD sleep {seconds}\n"


def test_a_cancelled_build_dies_with_its_processes(whole_app: WholeApp) -> None:
    whole_app.push("one")
    mark, dockerfile = endless_build()
    whole_app.push_detached("two", dockerfile)
    wait_until(lambda: runs(mark))

    build = whole_app.builds()[0]
    assert whole_app.post(f"builds/{build['id']}/cancel").is_success

    rows = whole_app.wait_settled()
    wait_until(lambda: not runs(mark))
    assert rows[0]["status"] == "cancelled"
    assert whole_app.builds()[0]["status"] == "cancelled"
    assert whole_app.text() == "one"


def test_an_app_builds_again_after_a_cancel(whole_app: WholeApp) -> None:
    mark, dockerfile = endless_build()
    deployment = whole_app.push_detached("one", dockerfile)
    wait_until(lambda: runs(mark))
    assert whole_app.post(f"deployments/{deployment['id']}/cancel").is_success

    whole_app.push("two")

    assert whole_app.text() == "two"
    assert whole_app.wait_over(deployment)["status"] == "cancelled"
    assert not runs(mark)


def test_a_cancelled_rollout_leaves_the_old_release_and_no_container_of_its_own(whole_app: WholeApp) -> None:
    whole_app.push("one")
    deployment = whole_app.push_detached("two", endless_start(600))
    whole_app.wait_status(deployment, "verifying")

    assert whole_app.post(f"deployments/{deployment['id']}/cancel").is_success

    assert whole_app.wait_over(deployment)["status"] == "cancelled"
    whole_app.wait_settled()
    assert whole_app.text() == "one"


def test_what_is_over_cannot_be_cancelled(whole_app: WholeApp) -> None:
    whole_app.push("one")
    deployment = whole_app.deployments()[0]

    answer = whole_app.post(f"deployments/{deployment['id']}/cancel")

    assert answer.status_code == 409
    assert "active already" in answer.json()["error"]["message"]
    assert whole_app.text() == "one"


def runs(mark: str) -> bool:
    return any(mark in line for line in command_lines())

"""Work that was under way when Slipyard went away is taken up when it comes back."""

import secrets

from tests.engine.kills import power_failure
from tests.engine.whole_app import SERVES, WholeApp

LATE = "FROM busybox\nSTOPSIGNAL SIGKILL\nCOPY index.html /www/\nCMD sleep 3; exec httpd -f -p $PORT -h /www\n"


def test_a_build_that_ran_when_slipyard_went_down_is_taken_up(own_app: WholeApp) -> None:
    own_app.push("one")
    deployment = own_app.push_detached("two", SERVES + f"RUN sleep 3 && echo {secrets.token_hex(4)}\n")
    own_app.wait_status(deployment, "building")

    own_app.slipyard.slipyard("down")
    own_app.slipyard.slipyard("up", "--detach")

    own_app.wait_status(deployment, "active")
    assert own_app.text() == "two"


def test_a_rollout_that_a_power_failure_cut_off_goes_on(own_app: WholeApp) -> None:
    own_app.push("one")
    second = own_app.push_detached("two", LATE)
    own_app.wait_status(second, "verifying")

    power_failure(own_app.slipyard, *own_app.container_ids())
    own_app.slipyard.slipyard("up", "--detach")

    own_app.wait_status(second, "active")
    assert [row["status"] for row in own_app.wait_settled()] == ["active", "superseded"]
    assert own_app.text() == "two"

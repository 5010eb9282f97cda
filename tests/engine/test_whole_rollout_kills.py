"""The worker dies, or is frozen, between two batches under load: another goes on, and no visitor notices."""

import os
import signal

import pytest

from slipyard.store.claims import Holder
from tests.engine.kills import newest
from tests.engine.rollout_app import ask, go_live
from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp
from tests.engine.whole_load import READ, WRITE, Load


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_rollout_that_lost_its_worker_between_two_batches_goes_on(own_app: WholeApp, how: signal.Signals) -> None:
    home = own_app.slipyard.home
    go_live(own_app, replicas=3, rollout={"max_surge": 1})

    with Load(own_app, READ, WRITE) as load:
        ask(own_app, 1, "starts slowly", wait=0)
        row = wait_until(lambda: begun if (begun := newest(home, "deployment"))["progress"] else None)
        os.kill(Holder.parse(row["claim_holder"]).pid, how)
        wait_until(lambda: newest(home, "deployment")["status"] == "active")
        load.more()

    assert row["progress"].startswith("1 of 3 new instances serve")
    assert newest(home, "deployment")["attempt"] == 2
    assert load.lost == []
    assert load.texts == {"release 0", "release 1"}
    wait_until(lambda: len(serving(own_app)) == 3)


def serving(app: WholeApp) -> list[dict[str, object]]:
    """The release before may be kept, paused."""
    active = app.deployments()[0]["id"]
    return [labels for labels in app.container_labels() if labels["slipyard.deployment"] == active]

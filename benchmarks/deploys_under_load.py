"""Deployments and ways back under load, a third of the deployments broken on purpose: how many requests are lost.

    python -m benchmarks.deploys_under_load --deployments 100

A lost request is one that a healthy release would have answered: any that broke off, or was not answered with 200. Half of
the clients keep their connections, some requests take 0.7 s, some are POST; bodies that take three seconds to send follow
each other all the time. Websockets and streams of events are open all the time: each must be answered for as long as its
instance has, and at least for the drain's seconds. The shorter form runs with the tests,
`tests/engine/test_whole_rollouts.py`. Needs what `scripts/up` installs. Starts an installation of its own and purges it.
"""

import argparse
import time
from collections import Counter

from benchmarks.own_installation import own_installation
from tests.engine.lasting_connections import LastingStreams, LastingWebsockets
from tests.engine.long_requests import SlowUploads
from tests.engine.rollout_app import ask, go_live
from tests.engine.whole_app import WholeApp, new_app
from tests.engine.whole_load import READ, SLOW, WRITE, Load
from tests.flow.repository import Repository

GOOD = ("fine", "slow to stop", "ignores SIGTERM")
DRAIN_SECONDS = 10
BROKEN = ("exits at once", "exits after 5 s", "never ready")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--deployments", type=int, default=100)
    deployments = parser.parse_args().deployments
    with own_installation() as (installation, work):
        app = new_app(installation, Repository(work))
        go_live(app, rollout={"stop_seconds": 1, "drain_seconds": DRAIN_SECONDS})
        measure(app, deployments)


def measure(app: WholeApp, deployments: int) -> None:
    """Each deployment is followed by a way back, so that there are as many of these."""
    outcomes: Counter[str] = Counter()
    began = time.monotonic()
    websockets, streams = LastingWebsockets(app, DRAIN_SECONDS), LastingStreams(app, DRAIN_SECONDS)
    with Load(app, READ, WRITE) as load, Load(app, SLOW) as slow, SlowUploads(app) as uploads, websockets, streams:
        for number in range(1, deployments + 1):
            mode = BROKEN[number // 3 % len(BROKEN)] if number % 3 == 0 else GOOD[number // 3 % len(GOOD)]
            status = ask(app, number, mode)["status"]
            outcomes[f"{mode}: {status}"] += 1
            load.more()
            outcomes[f"rollback: {app.post('rollback?wait=60', json={}).json()['status']}"] += 1
            load.more()
    lost = load.lost + slow.lost + uploads.lost + websockets.lost + streams.lost
    print(f"{time.monotonic() - began:.0f} s, {load.seen.total()} + {slow.seen.total()} requests, {len(lost)} lost")
    print(f"  {uploads.count} slow bodies")
    for lasting in (websockets, streams):
        print(f"  {lasting.count} of {lasting.noun}, over which {lasting.heard} answers or events came")
    for outcome, count in sorted(outcomes.items()):
        print(f"  {outcome} {count}")
    for each in lost[:20]:
        print(f"  lost: {each}")


if __name__ == "__main__":
    main()

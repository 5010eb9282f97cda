"""While Redis does not answer, pushes, webhooks and calls are accepted; what was accepted goes live afterwards."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.engine.decided import decided
from tests.engine.git_hosts import Repository as HostedRepository
from tests.engine.git_hosts import http_host
from tests.engine.installation import Installation
from tests.engine.kills import service_of
from tests.engine.test_whole_triggers import deliver, tree
from tests.engine.whole_app import WholeApp, new_app
from tests.flow.repository import Repository


@contextmanager
def frozen_redis(slipyard: Installation) -> Iterator[None]:
    """The worst way to be away: connections are taken, and nothing comes back."""
    server = service_of(slipyard, "redis")
    server.send(signal.SIGSTOP)
    try:
        yield
    finally:
        server.send(signal.SIGCONT)


def test_everything_is_accepted_while_redis_is_frozen(own_app: WholeApp, tmp_path: Path) -> None:
    slipyard, hooked = own_app.slipyard, new_app(own_app.slipyard, Repository(tmp_path / "unused"), "hooked")
    root = tmp_path / "hosted"
    root.mkdir()
    hosted = HostedRepository.make(root)
    hosted.commit(tree("one"))
    own_app.push("one")

    with http_host(root) as host:
        hooked.wait_status(hooked.create(repo_url=host.url())["deployments"][0], "active")
        hook = hooked.post("webhooks", json={"provider": "github"}).raise_for_status().json()
        with frozen_redis(slipyard):
            pushed = own_app.push_detached("two")
            verdict = decided(hooked, deliver(hook, hosted.commit(tree("two"))))
            restarted = hooked.post("restart").raise_for_status().json()
            assert (own_app.text(), hooked.text()) == ("one", "one")

        own_app.wait_status(pushed, "active")
        hooked.wait_over({"id": verdict["deployment_id"]})
        hooked.wait_over({"id": restarted["deployment_id"]})
        hooked.wait_settled()

    assert (own_app.text(), hooked.text()) == ("two", "two")
    hooked.delete()

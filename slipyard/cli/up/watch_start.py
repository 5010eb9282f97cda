"""Looks on while the parts start: a child waits for them and says when all are ready, or what is missing."""

import json
import os
from collections.abc import Sequence

from slipyard.cli.up.child import Child
from slipyard.cli.up.fork import fork_function
from slipyard.cli.up.log_sink import LogSink
from slipyard.cli.up.login_link import make_login_link
from slipyard.cli.up.published_url import publish_url
from slipyard.cli.up.readiness import readiness_checks, wait_until_ready
from slipyard.cli.up.reclaim import reclaim_program
from slipyard.cli.up.report import Report
from slipyard.cli.up.service import running_service
from slipyard.cli.up.supervisor import Supervisor
from slipyard.cli.up.systemd import tell_systemd_ready
from slipyard.domain.layout import Layout
from slipyard.domain.settings import Settings

READY_SECONDS = 60.0
DEATHS_BEFORE_READY = 4
_NAME = "start-watch"


class StartWatch:
    """`fresh` names the services that were started now, and not adopted."""

    def __init__(
        self,
        settings: Settings,
        layout: Layout,
        report: Report,
        supervisor: Supervisor,
        sink: LogSink,
        fresh: Sequence[str],
    ) -> None:
        self._settings = settings
        self._layout = layout
        self._report = report
        self._supervisor = supervisor
        self._sink = sink
        self._fresh = fresh
        self._answer, self._writer = os.pipe()
        self._deaths: dict[str, int] = {}
        self._over = False
        self.exit_code = 0

    def child(self, lock: int) -> Child:
        return Child(_NAME, lambda output: self._fork(output, lock), comes_back=False, on_exit=self._finished)

    def part_ended(self, name: str, code: int) -> None:
        """A part that dies again and again before all are ready will not get better by waiting."""
        self._deaths[name] = self._deaths.get(name, 0) + 1
        if not self._over and self._deaths[name] >= DEATHS_BEFORE_READY:
            self._give_up(f"{name} ended {self._deaths[name]} times while starting, the last time with code {code}.")

    def _fork(self, output: int, lock: int) -> int:
        supervisor = os.getpid()
        close = (*self._supervisor.private_descriptors, lock, self._answer)
        return fork_function(lambda: self._wait(supervisor), name=_NAME, output=output, close=close)

    def _wait(self, supervisor: int) -> None:
        """In the child. Its answer is small enough for the pipe, so that nobody waits."""
        checks = readiness_checks(self._settings, self._layout, supervisor)
        missing = wait_until_ready(checks, READY_SECONDS, passed=lambda _name: None)
        self._reclaim()
        answer = {"missing": missing} if missing else {"link": make_login_link(self._settings, self._layout)}
        os.write(self._writer, json.dumps(answer).encode()[:4096])
        raise SystemExit(int(bool(missing)))

    def _reclaim(self) -> None:
        for service in (running_service(self._layout, name) for name in self._fresh):
            if service is not None:
                reclaim_program(service.pid)

    def _finished(self, code: int) -> None:
        if self._over:
            return
        os.set_blocking(self._answer, False)
        try:
            answer = json.loads(os.read(self._answer, 4096))
        except (OSError, ValueError):
            answer = {"missing": {"start": f"looking at the parts ended with code {code}"}}
        if "link" in answer:
            self._ready(answer["link"])
        else:
            self._give_up("Not ready: " + "; ".join(answer["missing"].values()) + ".")

    def _ready(self, link: str) -> None:
        self._over = True
        publish_url(self._layout.run, self._settings.api_url)
        self._report.ready(
            f"Slipyard is ready at {self._settings.api_url}",
            f"Sign in once with {link}"
            if self._report.is_private
            else "Sign in with the link of `slipyard login-link`",
            f"Apps answer at {self._settings.app_url('<app>.' + self._settings.domain)}",
        )
        self._report.close()
        tell_systemd_ready()
        self._supervisor.leave()

    def _give_up(self, reason: str) -> None:
        self._over = True
        self.exit_code = 1
        self._report.failed(reason, *self._sink.tail()[-12:])
        self._report.close()
        self._supervisor.end()

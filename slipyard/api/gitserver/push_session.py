"""One push: receive-pack stores it, the pipeline decides, and the client watches until its app is live.

There are no hooks. git's last flush is held back; what became of the push travels before it in the side band. The session
goes on where the client has left: an accepted push is decided in any case, and the deployment is a worker's.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path

import structlog

from slipyard.api.gitserver.condensed import CondensedBuild
from slipyard.api.gitserver.outbox import Outbox
from slipyard.api.gitserver.pkt_line import FLUSH, remote_lines
from slipyard.api.gitserver.push_request import PushRequest
from slipyard.api.gitserver.service_process import ServiceProcess
from slipyard.api.streams.progress import Finished, LogLines, Progress, StatusChange, follow_deployment
from slipyard.domain.errors import SlipyardError
from slipyard.pipeline.context import Context
from slipyard.pipeline.pushes.push_notes import PushNote
from slipyard.pipeline.pushes.receive_push import PushDecision, receive_pushes
from slipyard.pipeline.pushes.stored_push import NO_CACHE, PREVIEW, AskedPush, show_branch, stored_push
from slipyard.store.tables import App

_log = structlog.get_logger()
_LAST_LINES = 20
OPTIONS = frozenset({"detach", NO_CACHE, PREVIEW})


@dataclass(frozen=True)
class PushSession:
    context: Context
    app: App
    asked: AskedPush
    note: PushNote
    repository: Path
    request: PushRequest
    process: ServiceProcess
    outbox: Outbox

    async def run(self) -> None:
        """Until the outcome, or the end of the decision where nobody watches."""
        try:
            held = await self._forward()
            if await self.process.end() == 0:
                await self._decide()
            await self.outbox.put(held)
        except Exception:  # noqa: BLE001 - a background task: nobody else would hear of it
            _log.exception("push_session_broke", app_id=self.app.id)
            await self._say("Slipyard failed while it watched this push. What was stored is found and deployed anyway.")
            await self.outbox.put(FLUSH)
        finally:
            await self.process.stop()
            self.note.close()
            await self.outbox.put(None)

    async def _forward(self) -> bytes:
        """Everything that receive-pack says, but the flush that ends it."""
        held = b""
        async for chunk in self.process.output():
            held += chunk
            if not self._watched:
                await self.outbox.put(held)
                held = b""
            elif len(held) > len(FLUSH):
                await self.outbox.put(held[: -len(FLUSH)])
                held = held[-len(FLUSH) :]
        return held

    async def _decide(self) -> None:
        await self._say(*unknown_options(self.request.options))
        found = stored_push(self.app, self.asked, await self.context.git.tips(self.repository))
        decisions = [self._decided(receive_pushes(self.context, found.pushes))] if found.pushes else []
        decisions += [self._decided(show_branch(self.context, self.asked, update)) for update in found.previews]
        decided = [await decision for decision in decisions]
        await asyncio.to_thread(self.note.decided)
        for decision in decided:
            await self._show(decision)

    async def _decided(self, decision: Coroutine[None, None, PushDecision]) -> PushDecision:
        try:
            return await decision
        except SlipyardError as error:
            return PushDecision("ignored", error.message)

    async def _show(self, decision: PushDecision) -> None:
        await self._say(f"{self.app.slug}: {decision.message}")
        if decision.deployment_id is None or not self._watched:
            return
        if "detach" in self.request.options:
            await self._say(f"Not waiting for it. Follow it with: slipyard deploy --follow {self.app.slug}")
            return
        await self._watch(decision.deployment_id)

    async def _watch(self, deployment_id: str) -> None:
        view = PushView()
        async for progress in follow_deployment(self.context, deployment_id):
            if self.outbox.abandoned:
                return
            await self._say(*view.lines(progress))
            if isinstance(progress, StatusChange) and progress.waits_for is not None:
                await self._say(progress.waits_for, f"Follow it with: slipyard deploy --follow {self.app.slug}")
                return

    @property
    def _watched(self) -> bool:
        return self.request.shows_progress

    async def _say(self, *lines: str) -> None:
        if lines and self._watched:
            await self.outbox.put(remote_lines(*lines))


def unknown_options(options: frozenset[str]) -> list[str]:
    known = "detach, no-cache and preview are known"
    return [f"Nothing is known of the push option {option[:80]!r}; {known}." for option in sorted(options - OPTIONS)]


class PushView:
    """Progress as lines for a terminal."""

    def __init__(self) -> None:
        self._build = CondensedBuild()

    def lines(self, progress: Progress) -> list[str]:
        match progress:
            case LogLines(log="build"):
                return self._build.lines(progress.text)
            case LogLines():
                return progress.text.split("\n")
            case StatusChange():
                return []
            case Finished():
                return _outcome(progress)


def _outcome(finished: Finished) -> list[str]:
    if finished.status == "active":
        return ["", f"  {finished.url or 'Live, without an address of its own.'}", ""]
    serves = ["Your old release still serves."] if finished.still_serves else []
    tail = [f"  | {line}" for line in finished.log_tail[-_LAST_LINES:]]
    return ["", f"Not live ({finished.status}): {finished.error or 'see the log'}", *tail, *serves, ""]

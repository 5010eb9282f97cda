"""One deployment from the request to its outcome: the lines of its build, then of its rollout, and every status."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from sqlmodel import Session

from slipyard.api.streams.log_lines import Lines, read_lines
from slipyard.domain.lifecycle import DeploymentStatus, is_over
from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.holds import HOLDS
from slipyard.store.tables import App, Build, Deployment, Release

_LOOK_SECONDS = 0.04


@dataclass(frozen=True)
class Position:
    """Bytes of both logs that the reader has. Its text is the id of an event."""

    build: int = 0
    rollout: int = 0

    @classmethod
    def parse(cls, text: str) -> "Position":
        """The beginning for anything that is not a position."""
        parts = text.split(".")
        if len(parts) == 2 and all(part.isdecimal() and len(part) < 18 for part in parts):  # noqa: PLR2004 - two logs
            return cls(int(parts[0]), int(parts[1]))
        return cls()

    def __str__(self) -> str:
        return f"{self.build}.{self.rollout}"


@dataclass(frozen=True)
class LogLines:
    log: Literal["build", "rollout"]
    text: str
    position: Position


@dataclass(frozen=True)
class StatusChange:
    """`waits_for`: nobody works on it until somebody approves or unlocks, or a freeze ends."""

    status: str
    build_status: str | None
    waits_for: str | None
    position: Position


@dataclass(frozen=True)
class Finished:
    """`url` is where the app answers, None where none of its services is public; `error` and `log_tail` say what failed; `still_serves`: an older release does."""

    status: str
    url: str | None
    error: str | None
    log_tail: tuple[str, ...]
    still_serves: bool
    position: Position


Progress = LogLines | StatusChange | Finished


@dataclass(frozen=True)
class _Seen:
    deployment: Deployment
    build: Build | None
    host: str | None
    live_before: bool

    @property
    def statuses(self) -> tuple[str, str | None, str | None]:
        return str(self.deployment.status), str(self.build.status) if self.build else None, self._waits_for

    @property
    def _waits_for(self) -> str | None:
        """What is held is built first."""
        row = self.deployment
        held = row.parked in HOLDS and (row.release_id is not None or row.image is not None)
        return row.progress if held and not is_over(row.status) else None


async def follow_deployment(
    context: Context, deployment_id: str, position: Position | None = None
) -> AsyncIterator[Progress]:
    """Ends with `Finished`. The row is looked at before the logs, so that what is over was read to its end."""
    at, said = position or Position(), None
    while True:
        seen = await context.database.reading(lambda session: _look(session, deployment_id))
        over = is_over(seen.deployment.status)
        if seen.statuses != said:
            said = seen.statuses
            yield StatusChange(*said, at)
        while (lines := await _more(context, seen, at, over=over)) is not None:
            at = lines.position
            yield lines
        if over:
            yield _finished(context, seen, at)
            return
        await asyncio.sleep(_LOOK_SECONDS)


def _look(session: Session, deployment_id: str) -> _Seen:
    deployment = session.get_one(Deployment, deployment_id)
    build = session.get(Build, deployment.build_id) if deployment.build_id else None
    app = session.get_one(App, deployment.app_id)
    release = session.get(Release, deployment.release_id) if deployment.release_id else None
    host = app.host if release is None or release.config.routed is not None else None
    return _Seen(deployment, build, host, app.last_deployed_at is not None)


async def _more(context: Context, seen: _Seen, at: Position, *, over: bool) -> LogLines | None:
    build_over = over or seen.build is None or seen.build.finished_at is not None
    if seen.build is not None:
        found = await read_lines(context.layout.build_log(seen.build.id), at.build, to_the_end=build_over)
        if found is not None:
            return _lines("build", found, Position(found.offset, at.rollout))
    found = await read_lines(context.layout.deployment_log(seen.deployment.id), at.rollout, to_the_end=over)
    return None if found is None else _lines("rollout", found, Position(at.build, found.offset))


def _lines(log: Literal["build", "rollout"], found: Lines, position: Position) -> LogLines:
    return LogLines(log, found.text, position)


def _finished(context: Context, seen: _Seen, at: Position) -> Finished:
    row = seen.deployment
    return Finished(
        status=str(row.status),
        url=context.settings.app_url(seen.host) if seen.host is not None else None,
        error=row.error,
        log_tail=tuple(row.log_tail) or tuple(seen.build.log_tail if seen.build else ()),
        still_serves=row.status is not DeploymentStatus.ACTIVE and seen.live_before,
        position=at,
    )

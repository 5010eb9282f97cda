"""When Slipyard is ready: the API says so, every worker listens, the controller leads, the services answer."""

import http.client
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import redis
from sqlmodel import select

from slipyard.domain.layout import Layout
from slipyard.domain.settings import Settings
from slipyard.pipeline.queue import WORK_KINDS, WorkKind, queue_name
from slipyard.store.claims import Holder
from slipyard.store.database import Database
from slipyard.store.installation import database_url
from slipyard.store.tables import Lease

_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.2
_HTTP_SECONDS = 5.0


@dataclass(frozen=True)
class Check:
    """`trouble` says what is missing, or None."""

    name: str
    trouble: Callable[[], str | None]


def wait_until_ready(checks: Sequence[Check], within: float, *, passed: Callable[[str], None]) -> dict[str, str]:
    """What was still missing after `within` seconds, by name; empty when all is well. `passed` hears of each success."""
    deadline = time.monotonic() + within
    missing = {check.name: "not looked at yet" for check in checks}
    pause = _FIRST_PAUSE
    while True:
        for check in checks:
            if check.name in missing and _passes(check, missing):
                passed(check.name)
        if not missing or time.monotonic() > deadline:
            return missing
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def _passes(check: Check, missing: dict[str, str]) -> bool:
    trouble = check.trouble()
    if trouble is None:
        del missing[check.name]
        return True
    missing[check.name] = trouble
    return False


def readiness_checks(settings: Settings, layout: Layout, supervisor: int) -> list[Check]:
    """`supervisor` is the pid whose children count: what an earlier run left behind does not."""
    url = redis_url(settings, layout)
    installation_id = json.loads(layout.installation.read_text())["id"]
    queues = {kind: queue_name(installation_id, kind) for kind in WORK_KINDS}
    wanted: dict[WorkKind, int] = {"build": settings.build_workers, "deploy": settings.deploy_workers}
    return [
        Check("api", lambda: api_trouble(settings)),
        Check("workers", lambda: _workers_trouble(url, queues, wanted, supervisor)),
        Check("controller", lambda: _controller_trouble(settings, supervisor)),
    ]


def api_trouble(settings: Settings) -> str | None:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.bind, settings.bind)
    connection = http.client.HTTPConnection(host, settings.port, timeout=_HTTP_SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        body = answer.read(2000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"http://{host}:{settings.port}/readyz does not answer: {error}"
    finally:
        connection.close()
    return None if answer.status == http.client.OK else f"/readyz answers {answer.status}: {body}"


def redis_url(settings: Settings, layout: Layout) -> str:
    return settings.redis_url or f"unix://{layout.redis_socket}"


def _workers_trouble(
    url: str, queues: Mapping[WorkKind, str], wanted: Mapping[WorkKind, int], supervisor: int
) -> str | None:
    try:
        listening = {
            kind: sum(_is_child(pid, supervisor) for pid in _registered_pids(url, queue))
            for kind, queue in queues.items()
        }
    except redis.RedisError as error:
        return f"the queue server does not answer: {error}"
    missing = [
        f"{listening[kind]} of {count} {kind} workers listen"
        for kind, count in wanted.items()
        if listening[kind] < count
    ]
    return " and ".join(missing) or None


def _registered_pids(url: str, queue: str) -> Iterable[int]:
    """RQ keeps the keys of a queue's workers in a set, and each worker's pid in the hash of that key."""
    with redis.Redis.from_url(url, decode_responses=True, socket_timeout=1) as connection:
        for key in connection.smembers(f"rq:workers:{queue}"):
            pid = connection.hget(str(key), "pid")
            if pid is not None:
                yield int(pid)


def _controller_trouble(settings: Settings, supervisor: int) -> str | None:
    """Another machine's controller may lead where the database is shared; ours stands by then, and is ready."""
    database = Database(database_url(settings))
    with database.read() as session:
        holders = [Holder.parse(lease.holder) for lease in session.exec(select(Lease))]
    database.dispose()
    here = Holder.me().host
    if any(holder.host != here or _is_child(holder.pid, supervisor) for holder in holders):
        return None
    return "no controller leads yet"


def _is_child(pid: int, parent: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1] == str(parent)
    except OSError:
        return False

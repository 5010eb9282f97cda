"""Following one deployment to its outcome, and what the outcome means for the exit code."""

import sys
import time
from dataclasses import dataclass
from typing import Any

from slipyard.cli.client import Client, segment
from slipyard.cli.events import Event, follow
from slipyard.cli.failure import Failed, ServerFault
from slipyard.cli.output import print_json
from slipyard.cli.progress.live import LiveView
from slipyard.cli.progress.view import PlainView, SilentView, View

_GOOD = {"active", "superseded"}
_OVER = {"active", "superseded", "failed", "cancelled", "rolled_back"}
_LOOKED_THROUGH = 20


@dataclass(frozen=True)
class Outcome:
    status: str
    url: str | None
    error: str | None
    log_tail: tuple[str, ...]
    still_serves: bool
    seconds: float

    @property
    def good(self) -> bool:
        return self.status in _GOOD


def watch_action(client: Client, app: str, action: dict[str, Any], *, follow: bool, as_json: bool) -> None:
    """What is left to do after a call that ships something: follow it, or say what it answered."""
    deployment_id = action.get("deployment_id")
    if follow and deployment_id:
        if action.get("beforehand"):
            print(f"slipyard: {action['beforehand']}", file=sys.stderr)
        watch_deployment(client, app, deployment_id, as_json=as_json)
    elif as_json:
        print_json(action)
    else:
        print(action["message"])


def watch_deployment(client: Client, app: str, deployment_id: str, *, as_json: bool) -> None:
    """Raises `Failed` where the new release did not become live. With `as_json` the deployment is printed at the end."""
    view = _view(as_json=as_json)
    try:
        outcome = _follow(client, app, deployment_id, view)
    finally:
        view.close()
    if as_json:
        print_json(client.get(f"/apps/{segment(app)}/deployments/{segment(deployment_id)}"))
    _conclude(app, outcome, as_json=as_json)


def watch_newest(client: Client, app: str, *, as_json: bool) -> None:
    """Attaches to the newest deployment that is under way; where none is, tells how the last one ended."""
    rows = client.get(f"/apps/{segment(app)}/deployments", limit=_LOOKED_THROUGH)["deployments"]
    if not rows:
        raise Failed(f"{app} was never deployed. `slipyard deploy {app}` does it.", code="never_deployed")
    under_way = [row for row in rows if row["finished_at"] is None and row["status"] not in _OVER]
    watch_deployment(client, app, (under_way or rows)[0]["id"], as_json=as_json)


def _view(*, as_json: bool) -> View:
    if as_json:
        return SilentView()
    return LiveView() if sys.stdout.isatty() else PlainView()


def _follow(client: Client, app: str, deployment_id: str, view: View) -> Outcome:
    began, said = time.monotonic(), ""
    for event in follow(client, f"/apps/{segment(app)}/deployments/{segment(deployment_id)}/progress"):
        if event.kind == "done":
            return _outcome(event.json(), time.monotonic() - began)
        if event.kind == "status":
            facts = event.json()
            word = str(facts.get("status", ""))
            if word != said:
                view.status(word)
            said = word
            if facts.get("waits_for"):
                view.rollout_line(facts["waits_for"])
        else:
            _show_lines(event, view)
    raise ServerFault(f"The stream of deployment {deployment_id} ended without an outcome. Look at it again later.")


def _show_lines(event: Event, view: View) -> None:
    show = view.build_line if event.kind == "build" else view.rollout_line
    for line in event.data.split("\n"):
        show(line)


def _outcome(facts: dict[str, Any], seconds: float) -> Outcome:
    return Outcome(
        status=str(facts.get("status", "")),
        url=facts.get("url"),
        error=facts.get("error"),
        log_tail=tuple(facts.get("log_tail") or ()),
        still_serves=bool(facts.get("still_serves")),
        seconds=seconds,
    )


def _conclude(app: str, outcome: Outcome, *, as_json: bool) -> None:
    if outcome.good:
        if not as_json:
            print(_success(app, outcome))
        return
    message = outcome.error or f"The deployment of {app} is {outcome.status}."
    if outcome.still_serves:
        message += " The release before goes on serving."
    raise Failed(message, outcome.log_tail, code=f"deployment_{outcome.status}")


def _success(app: str, outcome: Outcome) -> str:
    if outcome.status == "superseded":
        return f"{app}: a newer deployment took over."
    where = f"at {outcome.url}" if outcome.url else "for its own services alone: none of them is public"
    return f"{app} is live {where} ({outcome.seconds:.1f} s)"

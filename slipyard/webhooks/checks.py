"""The ends of checks as GitHub tells them, and Gitea and Forgejo in nearly the same words."""

from collections.abc import Callable

from slipyard.domain.announcement import CheckEnd
from slipyard.webhooks.moved_ref import checked_commit
from slipyard.webhooks.payload import Payload, objects_at, text_at, value_at

_PASSING = {"success", "neutral", "skipped"}  # GitHub, "About status checks": these satisfy a required check


def ended_check(event: str, payload: Payload) -> CheckEnd | None:
    """None for other events, and for a check that has not ended."""
    return _CHECKS[event](payload) if event in _CHECKS else None


def _check_run(payload: Payload) -> CheckEnd | None:
    return _completed(payload, "check_run", ("check_run", "name"), ("check_run", "check_suite", "head_branch"))


def _check_suite(payload: Payload) -> CheckEnd | None:
    return _completed(payload, "check_suite", ("check_suite", "app", "name"))


def _workflow_run(payload: Payload) -> CheckEnd | None:
    """Its own name may be that of the run; the workflow's is what people know."""
    named = "workflow" if text_at(payload, "workflow", "name") else "workflow_run"
    return _completed(payload, "workflow_run", (named, "name"))


def _workflow_job(payload: Payload) -> CheckEnd | None:
    return _completed(payload, "workflow_job", ("workflow_job", "name"))


def _completed(
    payload: Payload, check: str, name: tuple[str, ...], branch: tuple[str, ...] | None = None
) -> CheckEnd | None:
    if text_at(payload, "action") != "completed":
        return None
    return CheckEnd(
        name=text_at(payload, *name),
        commit=checked_commit(text_at(payload, check, "head_sha")),
        passed=text_at(payload, check, "conclusion") in _PASSING,
        branch=text_at(payload, *(branch or (check, "head_branch"))),
    )


def _status(payload: Payload) -> CheckEnd | None:
    state, commit = text_at(payload, "state"), text_at(payload, "sha")
    if state == "pending":
        return None
    heads = [text_at(b, "name") for b in objects_at(payload, "branches") if value_at(b, "commit", "sha") == commit]
    branch = heads[0] if len(heads) == 1 else ""
    return CheckEnd(text_at(payload, "context"), checked_commit(commit), state == "success", branch)


_CHECKS: dict[str, Callable[[Payload], CheckEnd | None]] = {
    "check_run": _check_run,
    "check_suite": _check_suite,
    "workflow_run": _workflow_run,
    "workflow_job": _workflow_job,
    "status": _status,
}

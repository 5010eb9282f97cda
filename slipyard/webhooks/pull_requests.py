"""Pull requests as GitHub tells them, and Gitea and Forgejo in the same words."""

from collections.abc import Callable

from slipyard.domain.announcement import RequestChange, RequestMove
from slipyard.webhooks.moved_ref import checked_commit
from slipyard.webhooks.payload import Payload, number_at, text_at

_MOVES = {
    "opened": RequestMove.OPENED,
    "reopened": RequestMove.OPENED,
    "synchronize": RequestMove.UPDATED,
    "synchronized": RequestMove.UPDATED,  # Gitea and Forgejo
    "closed": RequestMove.CLOSED,
}


def request_change(payload: Payload) -> RequestChange:
    into, source = text_at(payload, "pull_request", "base", "repo", "full_name"), ("pull_request", "head")
    move = _MOVES.get(text_at(payload, "action"), RequestMove.OTHER)
    move, commit = with_head(move, text_at(payload, *source, "sha"))
    return RequestChange(
        number=number_at(payload, "pull_request", "number"),
        move=move,
        head_ref=text_at(payload, *source, "ref"),
        head_commit=commit,
        base_ref=text_at(payload, "pull_request", "base", "ref"),
        fork=not into or text_at(payload, *source, "repo", "full_name") != into,  # a fork that was deleted is null
        title=text_at(payload, "pull_request", "title"),
        author=text_at(payload, "pull_request", "user", "login"),
        url=text_at(payload, "pull_request", "html_url"),
    )


def with_head(move: RequestMove, commit: str, check: Callable[[str], str] = checked_commit) -> tuple[RequestMove, str]:
    """A request may have no commit: made empty, or closed after its branch was deleted. Then only its end says something."""
    if commit:
        return move, check(commit)
    return (move if move is RequestMove.CLOSED else RequestMove.OTHER), ""

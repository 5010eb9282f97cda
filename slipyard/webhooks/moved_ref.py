"""A ref that moved, as far as a provider's words about it are those of git."""

import re
from collections.abc import Iterable
from dataclasses import replace

from slipyard.domain.announcement import RefChange
from slipyard.domain.errors import SlipyardError, UserError
from slipyard.domain.git_ref import check_ref, is_commit

NO_COMMIT = "0" * 40
_SHORT_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_MOST_REFS = 10_000


def moved_ref(ref: str, commit: str, previous: str = "") -> RefChange:
    """`commit` of zeros: the ref is gone. `UserError` for what git would not take."""
    if commit and not commit.strip("0"):
        return gone_ref(ref, previous)
    known = is_commit(previous) and bool(previous.strip("0"))
    return RefChange(checked_ref(ref), checked_commit(commit), previous if known else None)


def gone_ref(ref: str, previous: str = "") -> RefChange:
    return RefChange(checked_ref(ref), NO_COMMIT, previous if is_commit(previous) else None)


def with_commits(
    change: RefChange, *, head_message: str, paths: tuple[str, ...] | None, forced: bool = False
) -> RefChange:
    """A new ref has no `previous` to differ from, and a forced one also takes files back that no commit of it lists."""
    comparable = change.previous is not None and not forced
    return replace(change, forced=forced, head_message=head_message, paths=paths if comparable else None)


def perhaps_forced(change: RefChange) -> RefChange:
    """Of a provider that says of no push whether it was forced."""
    return replace(change, may_be_forced=change.paths is not None)


def ref_changes(changes: Iterable[RefChange]) -> tuple[RefChange, ...]:
    """`UserError` where one push tells of more refs than anybody pushes at once."""
    found = []
    for change in changes:
        found.append(change)
        if len(found) > _MOST_REFS:
            raise UserError(f"This delivery tells of more than {_MOST_REFS} refs. Push fewer at once.")
    return tuple(found)


def checked_ref(ref: str) -> str:
    try:
        return check_ref(ref)
    except SlipyardError as error:
        raise UserError(f"This delivery names no branch or tag as git does: {error.message}") from error


def checked_commit(commit: str) -> str:
    if not is_commit(commit):
        raise UserError(f"{commit[:80]!r} in this delivery is not a commit. Check what sends it.")
    return commit


def checked_short_commit(commit: str) -> str:
    """Where a provider abbreviates: whoever uses it looks the whole name up."""
    if not _SHORT_COMMIT.fullmatch(commit):
        raise UserError(f"{commit[:80]!r} in this delivery is not a commit. Check what sends it.")
    return commit

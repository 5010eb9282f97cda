"""Whether a push deploys an app, by what the app was told; each answer is a sentence that names the rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from slipyard.domain.app import AppConfig
from slipyard.domain.git_ref import branch_of
from slipyard.domain.globs import is_chosen, is_literal, last_match
from slipyard.domain.skip_markers import skip_marker

NO_COMMIT = "0" * 40
_TAGS = "refs/tags/"
_NAMED = 3  # of many paths


class Rule(StrEnum):
    """Which rule decided a push."""

    SOURCE = "source"  # the app is not deployed from this repository, or not any more
    DELETED = "deleted"  # a branch or tag is gone
    BRANCH = "branch"  # source.branch and triggers.branches
    TAG = "tag"  # triggers.tags
    AUTO_DEPLOY = "auto_deploy"
    KNOWN = "known"  # this commit was decided before
    ORDER = "order"  # a newer commit was decided before
    SKIP_MARKER = "skip_marker"
    WATCH_PATHS = "watch_paths"
    AFTER_CHECK = "after_check"


@dataclass(frozen=True)
class Stopped:
    """Why a push does not deploy now. `decision` as in the table of pushes: ignored, skipped, superseded, held."""

    rule: Rule
    sentence: str
    decision: str = "ignored"


def tag_of(ref: str) -> str | None:
    return ref.removeprefix(_TAGS) if ref.startswith(_TAGS) else None


def short_ref(ref: str) -> str:
    """As people say it: main, tag v1."""
    tag = tag_of(ref)
    return f"tag {tag}" if tag else branch_of(ref) or ref


def stopped_by_ref(config: AppConfig, ref: str, commit: str) -> Stopped | None:
    """The app's own branch stands before the patterns, so that they may take it away as well."""
    if commit == NO_COMMIT:
        kind = "Tag" if tag_of(ref) else "Branch"
        return Stopped(Rule.DELETED, f"{kind} {tag_of(ref) or branch_of(ref) or ref} was deleted; what is live stays.")
    tag = tag_of(ref)
    sentence = _why_not_tag(config.triggers.tags, tag) if tag is not None else _why_not_branch(config, ref)
    return (sentence and Stopped(Rule.TAG if tag is not None else Rule.BRANCH, sentence)) or None


def stopped_by_auto_deploy(config: AppConfig) -> Stopped | None:
    if config.auto_deploy:
        return None
    return Stopped(Rule.AUTO_DEPLOY, "auto_deploy is off; `slipyard deploy` deploys the branch's head.")


def stopped_by_marker(head_message: str) -> Stopped | None:
    marker = skip_marker(head_message)
    if marker is None:
        return None
    return Stopped(Rule.SKIP_MARKER, f"The head commit says {marker}; `slipyard deploy` deploys it anyway.", "skipped")


def stopped_by_paths(watch_paths: Sequence[str], paths: Sequence[str] | None) -> Stopped | None:
    """None too where nobody knows all the files that changed. An empty list of them is known: nothing changed."""
    if not watch_paths or paths is None:
        return None
    patterns = [each for pattern in watch_paths for each in _as_globs(pattern)]
    if any(is_chosen(patterns, path) for path in paths):
        return None
    return Stopped(Rule.WATCH_PATHS, _nothing_watched(paths), "skipped")


def stopped_by_check(config: AppConfig, commit: str, passed: bool | None) -> Stopped | None:
    """`passed`: how the check of this commit ended, None where it has not been seen to end."""
    name = config.triggers.after_check
    if name is None or passed:
        return None
    sentence = f"{commit[:12]} waits for the check {name}"
    ended = "." if passed is None else ", which failed; it is deployed once the check passes."
    return Stopped(Rule.AFTER_CHECK, f"{sentence}{ended}", "held")


def _stopped(rule: Rule, sentence: str | None) -> Stopped | None:
    return None if sentence is None else Stopped(rule, sentence)


def _why_not_branch(config: AppConfig, ref: str) -> str | None:
    branch, own, further = branch_of(ref), config.source.branch, config.triggers.branches
    if branch is None:
        return f"{ref} is neither a branch nor a tag; it was stored."
    found = last_match(further, branch)
    if found is not None:
        return f"Branch {branch} is taken out by {found} in triggers.branches." if found.startswith("!") else None
    if branch == own:
        return None
    if not further:
        return f"{ref} was stored; only branch {own} is deployed."
    return f"Branch {branch} was stored; only {own} and {_listed(further)} (triggers.branches) are deployed."


def _why_not_tag(patterns: Sequence[str], tag: str) -> str | None:
    if not patterns:
        return "Tags are not deployed: triggers.tags names none; pushes to the app's branch are."
    if is_chosen(patterns, tag):
        return None
    found = last_match(patterns, tag)
    if found is not None:
        return f"Tag {tag} is taken out by {found} in triggers.tags."
    return f"Tag {tag} is not deployed; triggers.tags names {_listed(patterns)}."


def _as_globs(pattern: str) -> list[str]:
    """From the root of the repository. A plain name is a file, or all that lies below a directory."""
    sign = "!" if pattern.startswith("!") else ""
    plain = pattern.removeprefix("!").removeprefix("./").lstrip("/")
    if plain.endswith("/"):
        return [f"{sign}{plain}**"]
    return [f"{sign}{plain}", f"{sign}{plain}/**"] if is_literal(plain) else [f"{sign}{plain}"]


def _nothing_watched(paths: Sequence[str]) -> str:
    if not paths:
        return "No file changed, and watch_paths deploys only where one of its files did."
    return f"watch_paths names none of the files that changed: {_listed(paths)}."


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"

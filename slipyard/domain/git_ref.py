"""Names of branches, refs and commits, by the rules of git-check-ref-format(1), and never option-like."""

import re

from slipyard.domain.errors import SourceRefused

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MAXIMUM_BYTES = 255


def is_commit(text: str) -> bool:
    """A whole object name, SHA-1 or SHA-256, in lower case. Abbreviations are not names: they may change meaning."""
    return bool(_COMMIT.fullmatch(text))


def check_commit(text: str) -> str:
    if not is_commit(text):
        raise SourceRefused(f"{text[:80]!r} is not a commit: give all 40 (or 64) hexadecimal digits in lower case.")
    return text


def check_ref(text: str) -> str:
    """A branch, a tag or a full ref such as `refs/heads/main`; `HEAD` too."""
    problem = _problem(text)
    if problem:
        raise SourceRefused(f"{text[:80]!r} is not a git ref: {problem}.")
    return text


def check_branch(text: str) -> str:
    """A branch by its short name, such as `main` or `feature/login`."""
    check_ref(text)
    if text == "HEAD" or text.startswith("refs/"):
        raise SourceRefused(
            f"{text[:80]!r} is not the short name of a branch: write main, not refs/heads/main or HEAD."
        )
    return text


def branch_of(ref: str) -> str | None:
    """`main` for `refs/heads/main`; None for tags and other refs."""
    return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else None


def _problem(text: str) -> str | None:
    if not text or len(text.encode(errors="replace")) > _MAXIMUM_BYTES:
        return f"it has 1 to {_MAXIMUM_BYTES} bytes"
    if text.startswith("-"):
        return "it does not begin with a hyphen"
    if _FORBIDDEN.search(text) or not text.isprintable():
        return "it has no spaces, control characters, ~ ^ : ? * [ \\, no .. or @{ or //"
    if text.startswith("/") or text.endswith(("/", ".")) or text == "@":
        return "it does not begin or end with /, does not end with a dot and is not @ alone"
    if any(part.startswith(".") or part.endswith(".lock") for part in text.split("/")):
        return "no part of it begins with a dot or ends with .lock"
    return None

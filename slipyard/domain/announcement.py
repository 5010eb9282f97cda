"""What a provider's message says, in our words: the same for every provider."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    PING = "ping"  # the hook was just made, or somebody tests it
    PUSH = "push"  # branches or tags have new heads, or are gone
    REQUEST = "request"  # a pull or merge request was opened, changed or closed
    CHECK = "check"  # a check of a commit ended
    IMAGE = "image"  # a registry has a new image under a tag
    OTHER = "other"  # something that deploys nothing


@dataclass(frozen=True)
class RefChange:
    """`ref` is whole (refs/heads/main, refs/tags/v1); `commit` is its new head, or 40 zeros where it was deleted.

    `head_message` is that of the head commit alone. `paths` are the files changed since `previous`: None where the
    provider does not list them, or lists only some. `may_be_forced`: the provider does not say so of any push, and of a
    forced one its `paths` lack what was taken back.
    """

    ref: str
    commit: str
    previous: str | None = None
    forced: bool = False
    head_message: str = ""
    paths: tuple[str, ...] | None = None
    may_be_forced: bool = False


class RequestMove(StrEnum):
    OPENED = "opened"  # or opened again
    UPDATED = "updated"  # new commits
    CLOSED = "closed"  # or merged
    OTHER = "other"  # a label, a comment: nothing for a preview


@dataclass(frozen=True)
class RequestChange:
    """A pull or merge request. `fork`: its commits come from another repository than the one it would go into."""

    number: int
    move: RequestMove
    head_ref: str  # short: feature/x
    head_commit: str
    base_ref: str  # short: main
    fork: bool
    title: str = ""
    author: str = ""
    url: str = ""
    fork_repository: str = ""  # owner/name of the fork, where its commits are to be had from nowhere else


@dataclass(frozen=True)
class CheckEnd:
    """A named check (a status, check run or pipeline) of a commit ended. `branch` is short, empty where unknown."""

    name: str
    commit: str
    passed: bool
    branch: str = ""


@dataclass(frozen=True)
class ImagePushed:
    """`repository` without the tag; `digest` is what the sender claims: it is resolved again before anything runs."""

    repository: str
    tag: str
    digest: str | None = None


@dataclass(frozen=True)
class Announcement:
    """Exactly what `kind` names is filled in; one message may tell of many refs, images or checks."""

    kind: Kind
    event: str
    sender: str = ""
    repository: str = ""  # the provider's full name of it: owner/name
    refs: tuple[RefChange, ...] = ()
    request: RequestChange | None = None
    checks: tuple[CheckEnd, ...] = ()
    images: tuple[ImagePushed, ...] = ()

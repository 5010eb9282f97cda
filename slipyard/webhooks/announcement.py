"""What a delivery says, in our words: the same for every provider."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    PING = "ping"  # the hook was just made, or somebody tests it
    PUSH = "push"  # a branch has a new head
    DELETED = "deleted"  # a branch or tag is gone
    TAG = "tag"  # a tag was made or moved
    OTHER = "other"  # something that deploys nothing


@dataclass(frozen=True)
class Announcement:
    """`ref` is whole, `commit` its new head. `head_message` is the message of the head commit alone."""

    kind: Kind
    event: str
    ref: str = ""
    commit: str = ""
    previous: str | None = None
    forced: bool = False
    head_message: str = ""
    sender: str = ""

"""A commit that somebody sent or announced, and what was decided about it."""

from dataclasses import dataclass

OWN_REMOTE, POLL = "git", "poll"
ASKED_ITSELF = (OWN_REMOTE, POLL)  # the ref stood there when we looked: such a message is never late


@dataclass(frozen=True)
class PushSeen:
    """`ref` is whole (refs/heads/main). `previous` is what the sender says the ref was before, if it says.

    `paths` are the files changed since `previous`, None where the sender does not list all of them; these and an empty
    `head_message` are looked up in the mirror, where the mirror has the commit. `may_be_forced`: such a list is not believed
    where it would stop the push, but compared by the mirror. `repeat`: a person wants it decided anew,
    though it was decided before; `again`: even where it is live.
    """

    app_id: str
    ref: str
    commit: str
    previous: str | None
    trigger: str
    actor_name: str
    delivery_id: str | None = None
    no_cache: bool = False
    forced: bool = False
    paths: tuple[str, ...] | None = None
    head_message: str = ""
    may_be_forced: bool = False
    repeat: bool = False
    again: bool = False


@dataclass(frozen=True)
class PushDecision:
    """`status` is deployed, superseded, skipped or ignored; `message` says why."""

    status: str
    message: str
    build_id: str | None = None
    deployment_id: str | None = None

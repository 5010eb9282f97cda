"""What Slipyard asks of a code host's API, in the same words for all of them.

An implementation is bound to one host and one token, which it sends nowhere else: no redirects to elsewhere, the
addresses of `domain/network_rules.py`, a timeout, a capped answer. Ids are the provider's own, as text.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from slipyard.domain.announcement import RequestChange


class State(StrEnum):
    """The last two say nothing against the commit: hosts that have a colour between red and green show them so."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"  # somebody ended it
    SKIPPED = "skipped"  # a newer one took its place


@dataclass(frozen=True)
class CommitStatus:
    """`context` names it at the host (slipyard/shop): the same one is replaced. `description` is one line."""

    commit: str
    state: State
    context: str
    description: str
    url: str = ""


@dataclass(frozen=True)
class HostedHook:
    """A webhook as the host should have it. `requests`: it also tells of pull or merge requests."""

    url: str
    secret: str
    requests: bool = True


class CodeHost(Protocol):
    """Every call raises `CodeHostRefused` (a 4xx: token, rights or name; a retry does not help) or `Unavailable`."""

    async def account(self) -> str:
        """Whose token it is, for people."""

    async def check_repository(self, repository: str) -> None:
        """Raises where the token cannot see or administer it, and says which right is missing."""

    async def set_status(self, repository: str, status: CommitStatus) -> None: ...

    async def create_hook(self, repository: str, hook: HostedHook) -> str:
        """Its id. One that has the same URL already is changed instead of doubled."""

    async def delete_hook(self, repository: str, hook_id: str) -> None:
        """Gone already is fine."""

    async def add_deploy_key(self, repository: str, title: str, public_key: str) -> str:
        """Read-only. Its id; the same key again gives the one that is there."""

    async def delete_deploy_key(self, repository: str, key_id: str) -> None: ...

    async def open_requests(self, repository: str) -> list[RequestChange]:
        """All open pull or merge requests, every page of them."""

    async def comment(self, repository: str, number: int, text: str, comment_id: str | None) -> str:
        """Edits `comment_id`, or writes a new one where it is None or gone. Its id."""


@dataclass(frozen=True)
class HostedDeployment:
    """`name` is ours: what is made under it is found by it again."""

    name: str
    commit: str
    environment: str
    description: str


class DeploymentHost(Protocol):
    """Hosts with an API of deployments (GitHub), beside statuses."""

    async def find_deployment(self, repository: str, wanted: HostedDeployment) -> str | None:
        """Its id, where it was made before."""

    async def create_deployment(self, repository: str, wanted: HostedDeployment) -> str:
        """Its id. The same again makes another one."""

    async def set_deployment_status(
        self, repository: str, deployment_id: str, state: str, url: str, log_url: str
    ) -> None: ...

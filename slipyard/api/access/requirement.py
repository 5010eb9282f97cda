"""What a route asks of who calls it. Every route declares one; the program refuses to start where one does not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import Depends, params

from slipyard.domain.actor import Actor
from slipyard.domain.errors import InsufficientScope

Need = Literal["public", "apps:read", "apps:write", "apps:deploy", "admin"]


@dataclass(frozen=True)
class Requirement:
    """`changes`: whether a POST changes something; `streams`: the body is read by the route itself, and capped there.

    `one_app`: a token of one app may call it although its path names none.
    """

    scope: Need
    changes: bool = True
    streams: bool = False
    one_app: bool = False

    async def __call__(self) -> None:
        """FastAPI wants a callable; the guard of the route has checked already."""

    def check(self, actor: Actor) -> None:
        if self.scope != "public" and not actor.may(self.scope):
            raise InsufficientScope(
                f"This needs the scope {self.scope}, and the token {actor.name!r} has {', '.join(sorted(actor.scopes))}."
                " Ask for a token with that scope."
            )


def requires(scope: Need, *, changes: bool = True, streams: bool = False, one_app: bool = False) -> Any:
    return Depends(Requirement(scope, changes, streams, one_app))


def requirement_in(dependencies: Sequence[params.Depends], path: str) -> Requirement:
    """The last one declared, so that a route may ask for more than its router."""
    found = [use.dependency for use in dependencies if isinstance(use.dependency, Requirement)]
    if not found:
        raise RuntimeError(f"the route {path} declares no scope; add dependencies=[requires(...)]")
    return found[-1]

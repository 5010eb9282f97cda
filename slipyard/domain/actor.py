"""Who asks: a person, a token or Slipyard itself."""

from dataclasses import dataclass

JOB = "ci:"
"""Begins the person of a token that a CI job got for its identity."""
SCOPES = ("apps:read", "apps:write", "apps:deploy", "admin")


@dataclass(frozen=True)
class Actor:
    """`name` is what history shows; `principal` is what limits and Idempotency-Key are bound to.

    With `app_id` nothing but that app is there for it, whatever its scopes say.
    """

    principal: str
    name: str
    organization_id: str
    scopes: frozenset[str]
    app_id: str | None = None

    def may(self, scope: str) -> bool:
        return scope in self.scopes or "admin" in self.scopes

    def sees(self, app_id: str) -> bool:
        return self.app_id in {None, app_id}

"""Who asks: a person, a token or Slipyard itself."""

from dataclasses import dataclass

SCOPES = ("apps:read", "apps:write", "apps:deploy", "admin")


@dataclass(frozen=True)
class Actor:
    """`name` is what history shows; `principal` is what limits and Idempotency-Key are bound to."""

    principal: str
    name: str
    organization_id: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        return scope in self.scopes or "admin" in self.scopes

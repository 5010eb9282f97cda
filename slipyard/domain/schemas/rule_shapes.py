"""Rules of a route: what is asked and what is answered. Passwords go in as they are and come out as fingerprints."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import Field

from slipyard.domain.route_document import AccountEntry, RulesEntry
from slipyard.domain.route_rules import MOST, HeaderRules, RedirectRule, Timeouts
from slipyard.domain.schemas.incoming import Incoming
from slipyard.domain.schemas.outgoing import Outgoing


class ChangeRules(Incoming):
    """What is given replaces what stands there; null takes it away; what is left out stays."""

    allow: Annotated[list[IPv4Network | IPv6Network], Field(max_length=MOST)] | None = Field(
        None, description="Networks that visitors may come from; empty: everybody", examples=[["192.0.2.0/24"]]
    )
    basic_auth: Annotated[list[AccountEntry], Field(max_length=MOST)] | None = Field(
        None, description="Accounts with `password`, `password_hash` (bcrypt), or `password_fingerprint` to keep it"
    )
    max_body_bytes: int | None = Field(None, ge=1, le=1 << 40, description="Larger bodies of requests are 413")
    redirects: Annotated[list[RedirectRule], Field(max_length=MOST)] | None = Field(
        None, examples=[[{"from": "/old/*", "to": "/new", "status": 308}]]
    )
    request_headers: HeaderRules | None = None
    response_headers: HeaderRules | None = None
    timeouts: Timeouts | None = None


class RulesView(Outgoing):
    app_id: str
    rules: RulesEntry

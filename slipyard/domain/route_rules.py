"""What the router does with a request before an app is asked, as data: who may come in, how much, and what is changed."""

import re
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_LINE = re.compile(r"[\t -~]{0,4000}")
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()+,;=:@/-]{0,500}(?:(?<=/)\*)?")
_HASH = re.compile(r"\$2[aby]\$\d{2}\$[./A-Za-z0-9]{53}")
_USERNAME = re.compile(r"[^\s:\x00-\x1f]{1,100}")
# Whoever sets these says who the visitor is, how long a message is, or what is done with the connection.
_OURS = frozenset({
    "connection", "content-length", "forwarded", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
    "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
})  # fmt: skip
MOST = 100


def _header_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a header")
    if name.lower() in _OURS:
        raise ValueError(f"the header {name} is the router's own and cannot be changed")
    return name


def _literal(text: str) -> str:
    """Braces would be read by the router: with them a rule could show its environment and files."""
    if not _LINE.fullmatch(text):
        raise ValueError("must be one line of printable ASCII characters")
    if "{" in text or "}" in text:
        raise ValueError("must not contain braces")
    return text


def _source_path(path: str) -> str:
    if not _PATH.fullmatch(path) or "//" in path or "/../" in f"{path}/":
        raise ValueError(f"{path!r} must be a path such as /old, or /old/* for all below it")
    return path


def _target(text: str) -> str:
    _literal(text)
    if not re.match(r"https?://[^/\s]+|/(?!/)", text) or " " in text:
        raise ValueError(f"{text!r} must be a path such as /new, or a URL with http or https")
    return text


def _hash(text: str) -> str:
    if not _HASH.fullmatch(text):
        raise ValueError("must be a bcrypt hash; give `password` to have one made")
    return text


def _username(text: str) -> str:
    if not _USERNAME.fullmatch(text) or "{" in text:
        raise ValueError("must be a name without spaces, colons and braces")
    return text


HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[str, AfterValidator(_literal)]
Headers = Annotated[dict[HeaderName, HeaderValue], Field(max_length=MOST)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HeaderRules(_Part):
    """`set` replaces or adds; a header is set or removed, not both."""

    set: Headers = Field(default_factory=dict)
    remove: tuple[HeaderName, ...] = Field((), max_length=MOST)

    @model_validator(mode="after")
    def _once(self) -> Self:
        both = {name.lower() for name in self.set} & {name.lower() for name in self.remove}
        if both:
            raise ValueError(f"the header {min(both)} is both set and removed")
        return self


Username = Annotated[str, AfterValidator(_username)]
PasswordHash = Annotated[str, AfterValidator(_hash)]


class Account(_Part):
    username: Username
    password_hash: PasswordHash = Field(repr=False)


class RedirectRule(_Part):
    """With `/old/*` the rest of the path is appended to `to`; the query is kept."""

    source: Annotated[str, AfterValidator(_source_path)] = Field(alias="from")
    to: Annotated[str, AfterValidator(_target)]
    status: Literal[301, 302, 303, 307, 308] = 308

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, serialize_by_alias=True)

    @model_validator(mode="after")
    def _appendable(self) -> Self:
        if self.source.endswith("*") and {"?", "#"} & set(self.to):
            raise ValueError("what lies below a path is appended, so `to` cannot have a query or a fragment")
        return self


class Timeouts(_Part):
    """Seconds; None: as long as the app wants. A visitor who waited so long gets 504."""

    answer_seconds: float | None = Field(None, ge=0.1, le=86_400, description="Until an answer begins")
    silence_seconds: float | None = Field(
        None, ge=1, le=86_400, description="In which nothing comes from the app; websockets too"
    )


class RouteRulesBase(_Part):
    """All but the passwords, which look otherwise where they come from and where they are shown."""

    allow: tuple[IPv4Network | IPv6Network, ...] = Field((), max_length=MOST, description="Empty: everybody")
    max_body_bytes: int | None = Field(None, ge=1, le=1 << 40)
    redirects: tuple[RedirectRule, ...] = Field((), max_length=MOST)
    request_headers: HeaderRules = Field(default_factory=HeaderRules)
    response_headers: HeaderRules = Field(default_factory=HeaderRules)
    timeouts: Timeouts = Field(default_factory=Timeouts)


class RouteRules(RouteRulesBase):
    basic_auth: tuple[Account, ...] = Field((), max_length=MOST)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [account.username for account in self.basic_auth]
        if len(set(names)) < len(names):
            raise ValueError("basic_auth names an account twice")
        return self

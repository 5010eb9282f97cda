"""What each provider's file says: how it signs, how it names a delivery, and how it tells of a push."""

from collections.abc import Mapping
from typing import Protocol

from slipyard.domain.announcement import Announcement

Headers = Mapping[str, str]


class Provider(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def kept_headers(self) -> tuple[str, ...]:
        """Lower-case names of what is stored with a delivery; never a credential."""

    def verify(self, secret: bytes, headers: Headers, body: bytes) -> bool:
        """On the raw bytes, in constant time. False for a missing signature and for an empty secret."""

    def delivery_id(self, headers: Headers) -> str | None:
        """The provider's own name for this delivery, the same when it is sent again."""

    def event(self, headers: Headers) -> str: ...

    def announcement(self, headers: Headers, body: bytes) -> Announcement:
        """`UserError` for a body that is not what the provider sends."""

    def essence(self, headers: Headers, body: bytes) -> bytes:
        """A small body that says the same to `announcement`, for storing where the whole is large."""

"""What each provider's file says, as data: how it proves itself, how it names an event, and how its bodies are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from slipyard.domain.announcement import Announcement
from slipyard.domain.hook import BodyFields, HookSettings, Scheme
from slipyard.webhooks.payload import Payload, clean, json_object, text_at
from slipyard.webhooks.proof import Headers, Proof

_LONGEST_EVENT = 100
_ALWAYS_KEPT = ("content-type", "user-agent")


@dataclass(frozen=True)
class Place:
    """Where something stands: in a header (lower case), or in the body at the end of `path`."""

    header: str = ""
    path: tuple[str, ...] = ()

    def read(self, headers: Headers, payload: Payload) -> str:
        return clean(headers.get(self.header, "")) if self.header else text_at(payload, *self.path)


@dataclass(frozen=True)
class Provider:
    """`proofs`: the first is in use unless the hook's settings name another. `ids`: the first that is there is the
    provider's own name of a delivery, the same when it is sent again; `identify` finds it where no place holds it.
    """

    name: str
    proofs: Mapping[Scheme, Proof]
    read: Callable[[str, Payload, BodyFields], Announcement]
    event: Place = Place()
    ids: tuple[Place, ...] = ()
    identify: Callable[[Payload, BodyFields], str] = lambda _payload, _fields: ""
    parse: Callable[[Headers, bytes], Payload] = lambda _headers, body: json_object(body)
    own_header: bool = False  # the hook's settings may name the header of the proof
    form: str = "JSON"  # in which it must be told to send
    choose: str = "pushes"  # what to tick at the provider

    def scheme(self, settings: HookSettings) -> Scheme:
        return settings.scheme if settings.scheme and settings.scheme in self.proofs else next(iter(self.proofs))

    def proof(self, settings: HookSettings) -> Proof:
        proof = self.proofs[self.scheme(settings)]
        return replace(proof, header=settings.header.lower()) if settings.header and self.own_header else proof

    def announcement(self, settings: HookSettings, headers: Headers, body: bytes) -> Announcement:
        """`UserError` for a body that is not what the provider sends."""
        payload = self.parse(headers, body)
        return self.read(self.event_of(headers, payload), payload, settings.fields)

    def event_of(self, headers: Headers, payload: Payload) -> str:
        named = self.event.read(headers, payload) if self.event != Place() else self.name
        return named[:_LONGEST_EVENT] or "unknown"

    def id_of(self, settings: HookSettings, headers: Headers, payload: Payload) -> str:
        """Empty where the provider gives none."""
        found = (place.read(headers, payload) for place in self.ids)
        return next((each for each in found if each), "") or self.identify(payload, settings.fields)

    @property
    def kept_headers(self) -> tuple[str, ...]:
        """What is stored with a delivery; never a credential."""
        named = tuple(place.header for place in (self.event, *self.ids) if place.header)
        return tuple(dict.fromkeys((*_ALWAYS_KEPT, *named)))

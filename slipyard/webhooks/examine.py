"""A delivery is verified, then read: what remains is what is written down. Pure, so that a child process can do it too."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from slipyard.domain.announcement import Announcement
from slipyard.domain.errors import Unauthorized, UserError
from slipyard.domain.hook import HookSettings
from slipyard.webhooks.body import SMALL
from slipyard.webhooks.essence import MARK, written_essence
from slipyard.webhooks.proof import PATH_SECRET, Headers
from slipyard.webhooks.provider import Provider

_LONGEST_ID = 200


@dataclass(frozen=True)
class Claim:
    """A delivery without its body: which hook it is for, and what its headers say."""

    provider: Provider
    settings: HookSettings
    headers: Headers
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Examined:
    """`body` is as it came, or the essence of a large one. `replayable`: its id is not signed, so its digest counts too.
    `said` is what it says; None of a large one, whose essence has it."""

    provider_id: str
    event: str
    headers: Mapping[str, str]
    body: bytes
    size: int
    digest: str
    replayable: bool
    said: Announcement | None = None


def examine(claim: Claim, body: bytes) -> Examined:
    """`Unauthorized` where the proof does not hold; `UserError` for a body that is not what the provider sends."""
    check_proof(claim, body)
    provider, digest = claim.provider, hashlib.sha256(body).hexdigest()
    payload = provider.parse(claim.headers, body)
    event = provider.event_of(claim.headers, payload)
    said = provider.read(event, payload, claim.settings.fields)  # what cannot be read is refused, not stored
    kept = {name: claim.headers[name] for name in provider.kept_headers if name in claim.headers}
    large = len(body) > SMALL
    return Examined(
        provider_id=_checked_id(provider.id_of(claim.settings, claim.headers, payload) or f"sha256:{digest}"),
        event=event,
        headers=kept | ({MARK: "1"} if large else {}),
        body=written_essence(said) if large else body,
        size=len(body),
        digest=digest,
        replayable=not provider.proof(claim.settings).binds_id,
        said=None if large else said,
    )


def check_proof(claim: Claim, body: bytes) -> None:
    proof = claim.provider.proof(claim.settings)
    if not proof.holds(claim.secret, claim.headers, body):
        raise Unauthorized(_why(claim, proof.header))


def _why(claim: Claim, header: str) -> str:
    """Nothing of what was sent: it is shown to the app's people, and a stranger wrote it."""
    if header not in claim.headers:
        return f"The delivery does not prove who sends it: {_named(header)} is missing. Set the hook's secret at the provider."
    return f"{_named(header)} does not fit the secret of this hook. Set the same secret at the provider."


def _checked_id(provider_id: str) -> str:
    if len(provider_id) > _LONGEST_ID or not provider_id.isascii() or not provider_id.isprintable():
        raise UserError("The id of this delivery is not one that a provider sends. Check what sends it.")
    return provider_id


def _named(header: str) -> str:
    return "the secret at the end of the address" if header == PATH_SECRET else header.title()

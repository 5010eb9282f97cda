"""A repository elsewhere whose host has been resolved and judged. git is never started for anything less."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from slipyard.clients.resolve_host import resolve_host
from slipyard.domain.errors import HostUnknown, SourceRefused
from slipyard.domain.git_credential import GitCredential
from slipyard.domain.git_url import GitUrl, parse_git_url
from slipyard.domain.network_rules import Address, Network, is_allowed


@dataclass(frozen=True)
class GitRemote:
    """`addresses` are what git may connect to; the name is not resolved a second time, so it cannot change in between."""

    url: GitUrl
    addresses: tuple[Address, ...]
    credential: GitCredential | None = field(default=None, repr=False)


async def resolve_remote(
    url: GitUrl | str, credential: GitCredential | None = None, allowed_networks: Sequence[Network] = ()
) -> GitRemote:
    """Parses again where a text is given, resolves, and checks every address and the credential's host.

    `SourceRefused` for a forbidden host or a credential of another host; `Unavailable` where the name server fails.
    """
    parsed = parse_git_url(str(url), allowed_networks)
    if credential is not None and not credential.fits(parsed):
        raise SourceRefused(
            f"The git credential for {credential.host} is not sent to {parsed.origin()}: it belongs to another host or "
            "another way of access. Store one for this host (a token for https, a key for ssh)."
        )
    addresses = await _addresses(parsed, allowed_networks)
    if parsed.scheme == "http" and not all(is_allowed(address, allowed_networks) for address in addresses):
        raise SourceRefused(f"{parsed.host} is not in an allowed network, so plain http is refused. Use https or ssh.")
    return GitRemote(parsed, addresses, credential)


async def _addresses(url: GitUrl, allowed_networks: Sequence[Network]) -> tuple[Address, ...]:
    try:
        return await resolve_host(url.host, url.port, allowed_networks)
    except HostUnknown as error:
        raise SourceRefused(f"There is no host {url.host}. Check the repository URL.") from error

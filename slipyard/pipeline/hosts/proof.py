"""Whose a name is: a TXT record beside it says which organization its owner lets have it."""

from slipyard.clients.dns_records import DnsRecords
from slipyard.domain.host_name import WILDCARD
from slipyard.pipeline.context import Context
from slipyard.store.tables import Domain

_PREFIX = "slipyard-"


def challenge_name(host: str) -> str:
    """Where the record stands; a wildcard is proved by the name that it is below."""
    return f"_slipyard-challenge.{host.removeprefix(WILDCARD)}"


def proof_for(context: Context, organization_id: str, host: str) -> str:
    """What the record says: the same for an organization each time, and nobody else's."""
    base = host.removeprefix(WILDCARD)
    return _PREFIX + "".join(
        context.cipher.fingerprint(f"domain {part} {organization_id} {base}".encode()) for part in range(2)
    )


def needs_proof(context: Context, host: str) -> bool:
    """Names below the installation's own domain are an administrator's to give."""
    domain = context.settings.domain
    return context.settings.prove_domains and not (host == domain or host.endswith(f".{domain}"))


def record_line(row: Domain) -> str:
    return f'{challenge_name(row.host)}. TXT "{row.proof}"'


async def proof_fault(context: Context, host: str, proof: str) -> str | None:
    """None where the record is there, else what is there instead. `Unavailable` where no name server answers."""
    texts = await DnsRecords(context.settings.dns_server).texts(challenge_name(host))
    if proof in (text.strip() for text in texts):
        return None
    if not texts:
        return f"There is no TXT record at {challenge_name(host)} yet."
    return f"The TXT record at {challenge_name(host)} says something else: {texts[0][:80]!r}."

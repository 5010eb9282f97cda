"""Domains as they are answered, each with who makes the certificate of its host, and the proof that it waits for."""

from collections.abc import Mapping, Sequence

from sqlmodel import Session

from slipyard.api.views.certificate_view import certificate_source
from slipyard.domain.host_name import wildcard_above
from slipyard.domain.schemas.domain_shapes import DomainView, ProofView
from slipyard.domain.settings import Settings
from slipyard.pipeline.hosts.proof import challenge_name
from slipyard.store.queries.certificates import certificates_at
from slipyard.store.tables import Domain, HostCertificate


def domain_views(session: Session, settings: Settings, rows: Sequence[Domain]) -> list[DomainView]:
    """A wildcard's certificate is good for the names below it."""
    hosts = {row.host for row in rows} | {wildcard_above(row.host) for row in rows}
    seen = certificates_at(session, hosts)
    return [_view(settings, row, _certificate_of(row.host, seen)) for row in rows]


def _certificate_of(host: str, seen: Mapping[str, HostCertificate]) -> HostCertificate | None:
    own, above = seen.get(host), seen.get(wildcard_above(host))
    brought_above = above is not None and above.chain is not None
    return above if brought_above and (own is None or own.chain is None) else own


def _view(settings: Settings, row: Domain, certificate: HostCertificate | None) -> DomainView:
    below = "" if row.path == "/" else row.path
    brought = certificate is not None and certificate.chain is not None
    return DomainView(
        id=row.id,
        app_id=row.app_id,
        domain=row.host,
        path=row.path,
        strip_prefix=row.strip_prefix,
        redirect_to=row.redirect_to,
        redirect_status=row.redirect_status,
        url=settings.app_url(row.host) + below,
        status="pending" if row.verified_at is None else "active",
        verified_at=row.verified_at,
        proof=None if row.verified_at is not None else _proof(row),
        certificate=certificate_source(settings, row.host, brought=brought),
        certificate_until=certificate.not_after if certificate else None,
        certificate_error=certificate.last_error if certificate else None,
        created_by=row.created_by,
        created_at=row.created_at,
    )


def _proof(row: Domain) -> ProofView:
    return ProofView(
        record_name=challenge_name(row.host),
        record_value=row.proof,
        checked_at=row.proof_checked_at,
        last_error=row.proof_error,
    )

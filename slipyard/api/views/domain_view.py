"""Domains as they are answered, each with the certificate of its host."""

from collections.abc import Sequence
from typing import Literal

from sqlmodel import Session, col, select

from slipyard.domain.schemas.domain_shapes import CertificateView, DomainView
from slipyard.domain.settings import Settings
from slipyard.store.tables import Domain, HostCertificate


def domain_views(session: Session, settings: Settings, rows: Sequence[Domain]) -> list[DomainView]:
    hosts = [row.host for row in rows]
    query = select(HostCertificate).where(col(HostCertificate.host).in_(hosts))
    certificates = {row.host: row for row in session.exec(query)}
    return [_view(settings, row, certificates.get(row.host)) for row in rows]


def certificate_view(settings: Settings, row: HostCertificate | None) -> CertificateView:
    seen = row or HostCertificate(host="", organization_id="")
    return CertificateView(
        source=_source(settings, row),
        issuer=seen.issuer,
        not_after=seen.not_after,
        last_error=seen.last_error,
        checked_at=seen.checked_at,
    )


def _view(settings: Settings, row: Domain, certificate: HostCertificate | None) -> DomainView:
    below = "" if row.path == "/" else row.path
    return DomainView(
        id=row.id,
        app_id=row.app_id,
        domain=row.host,
        path=row.path,
        strip_prefix=row.strip_prefix,
        redirect_to=row.redirect_to,
        redirect_status=row.redirect_status,
        url=settings.app_url(row.host) + below,
        certificate=certificate_view(settings, certificate),
        created_by=row.created_by,
        created_at=row.created_at,
    )


def _source(settings: Settings, row: HostCertificate | None) -> Literal["none", "internal", "acme", "own"]:
    if settings.tls == "off":
        return "none"
    if row is not None and row.chain is not None:
        return "own"
    return "none" if settings.tls == "files" else settings.tls

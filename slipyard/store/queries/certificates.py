"""Certificates of hosts: those that were brought, and what visitors were last seen to get."""

from collections.abc import Iterable

from sqlmodel import Session, col, select

from slipyard.store.tables import Domain, HostCertificate


def brought_certificates(session: Session) -> list[HostCertificate]:
    return list(session.exec(select(HostCertificate).where(col(HostCertificate.chain).is_not(None))))


def certificates_at(session: Session, hosts: Iterable[str]) -> dict[str, HostCertificate]:
    """By host."""
    query = select(HostCertificate).where(col(HostCertificate.host).in_(sorted(hosts)))
    return {row.host: row for row in session.exec(query)}


def certificates_of_app(session: Session, app_id: str) -> list[HostCertificate]:
    """Of its own names, as they were last seen."""
    hosts = select(Domain.host).where(Domain.app_id == app_id)
    return list(session.exec(select(HostCertificate).where(col(HostCertificate.host).in_(hosts))))

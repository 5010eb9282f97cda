"""Certificates of hosts: those that were brought, and what visitors were last seen to get."""

from collections.abc import Iterable

from sqlmodel import Session, col, select

from slipyard.store.tables import HostCertificate


def brought_certificates(session: Session) -> list[HostCertificate]:
    return list(session.exec(select(HostCertificate).where(col(HostCertificate.chain).is_not(None))))


def certificates_at(session: Session, hosts: Iterable[str]) -> dict[str, HostCertificate]:
    """By host."""
    query = select(HostCertificate).where(col(HostCertificate.host).in_(sorted(hosts)))
    return {row.host: row for row in session.exec(query)}

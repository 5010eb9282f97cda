"""Certificates as they are answered: who makes the one of a host, the one that was brought, the one that was seen."""

from cryptography import x509

from slipyard.domain.own_certificate import facts_of
from slipyard.domain.schemas.certificate_shapes import CertificateSource, CertificateView
from slipyard.domain.settings import Settings
from slipyard.store.cipher import Cipher
from slipyard.store.tables import HostCertificate


def certificate_view(settings: Settings, cipher: Cipher, host: str, row: HostCertificate | None) -> CertificateView:
    brought = row is not None and row.chain is not None
    facts = facts_of(x509.load_pem_x509_certificates((row.chain or "").encode())[0]) if row and brought else None
    key = cipher.decrypt(row.key_encrypted) if row is not None and row.key_encrypted is not None else None
    return CertificateView(
        host=host,
        source=certificate_source(settings, host, brought=brought),
        names=list(facts.names) if facts else [],
        key_fingerprint=cipher.fingerprint(key) if key else None,
        uploaded_at=row.uploaded_at if row else None,
        uploaded_until=facts.not_after if facts else None,
        issuer=row.issuer if row else None,
        not_after=row.not_after if row else None,
        last_error=row.last_error if row else None,
        checked_at=row.checked_at if row else None,
    )


def certificate_source(settings: Settings, host: str, *, brought: bool) -> CertificateSource:
    """Authorities give a wildcard only to who writes DNS records."""
    if settings.tls == "off":
        return "none"
    if brought:
        return "uploaded"
    if settings.tls == "files" or (settings.tls == "acme" and host.startswith("*") and not settings.acme_dns):
        return "none"
    return settings.tls

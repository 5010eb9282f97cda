"""Certificates that were brought, as the router wants them."""

import asyncio

from sqlmodel import Session

from slipyard.deployer.router import OwnCertificate
from slipyard.pipeline.context import Context
from slipyard.store.cipher import Cipher
from slipyard.store.queries.certificates import brought_certificates
from slipyard.store.tables import HostCertificate


async def own_certificates(context: Context) -> list[OwnCertificate]:
    """Their keys in the clear; none where nothing is served with TLS."""
    if context.settings.tls == "off":
        return []

    def query(session: Session) -> list[HostCertificate]:
        return brought_certificates(session)

    rows = await context.database.reading(query)
    return await asyncio.to_thread(_opened, rows, context.cipher) if rows else []


def _opened(rows: list[HostCertificate], cipher: Cipher) -> list[OwnCertificate]:
    return [
        OwnCertificate(row.host, row.chain or "", cipher.decrypt(row.key_encrypted or b"").decode()) for row in rows
    ]

"""What a visitor of a name is shown: one handshake with whoever serves it."""

import asyncio
import ssl

from slipyard.domain.errors import Unavailable

_SECONDS = 20.0


async def served_certificate(host: str, address: str, port: int) -> bytes:
    """In DER, whoever signed it. `Unavailable` where there is none, with what was said instead."""
    try:
        async with asyncio.timeout(_SECONDS):
            return await _handshake(host, address, port)
    except TimeoutError as error:
        raise Unavailable(f"Visitors of {host} are shown no certificate within {_SECONDS:g} s.") from error
    except ssl.SSLError as error:
        reason = (error.reason or type(error).__name__).replace("_", " ").lower()
        raise Unavailable(f"Visitors of {host} are shown no certificate: {reason}.") from error
    except OSError as error:
        raise Unavailable(f"Nobody serves {host} at {address}:{port} with TLS now ({type(error).__name__}).") from error


async def _handshake(host: str, address: str, port: int) -> bytes:
    _, writer = await asyncio.open_connection(address, port, ssl=_looking(), server_hostname=host)
    try:
        shown: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
    if shown is None:
        raise ConnectionResetError
    return shown


def _looking() -> ssl.SSLContext:
    """Trusts anybody: it is looked at what is shown, and nothing is said."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context

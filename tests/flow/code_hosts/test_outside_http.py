"""The address is dialled by number, and the certificate must still be that of the name."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from slipyard.clients.outside_http import OutsideHttp
from slipyard.domain.errors import HostUnknown, Unavailable

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]


class Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.headers["host"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


def certificate(directory: Path, name: str) -> Path:
    """Signed by itself, so that it is its own authority."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = directory / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *private) + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Port and authority of a server that is `localhost` to those who ask it by name."""
    pem = certificate(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = HTTPServer(("127.0.0.1", 0), Echo)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server.server_port, pem
    server.shutdown()
    server.server_close()
    thread.join()


async def test_the_name_is_checked_though_the_number_is_dialled(tls):
    port, authority = tls
    http = OutsideHttp(LOOPBACK, seconds=5, trust=ssl.create_default_context(cafile=str(authority)))

    answer = await http.send("GET", f"https://localhost:{port}/x", {})

    assert (answer.status, answer.body) == (200, f"localhost:{port}".encode())


async def test_a_certificate_of_another_name_is_refused(tls):
    port, authority = tls
    http = OutsideHttp(LOOPBACK, seconds=5, trust=ssl.create_default_context(cafile=str(authority)))
    with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
        await http.send("GET", f"https://127.0.0.1:{port}/x", {})


async def test_a_certificate_of_nobody_known_is_refused(tls):
    port, _ = tls
    with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
        await OutsideHttp(LOOPBACK, seconds=5).send("GET", f"https://localhost:{port}/x", {})


async def test_a_name_that_does_not_exist_is_said():
    with pytest.raises(HostUnknown, match=r"no host nobody\.invalid"):
        await OutsideHttp(LOOPBACK, seconds=5).send("GET", "https://nobody.invalid/", {})


async def test_a_port_where_nobody_listens_may_be_there_later():
    with pytest.raises(Unavailable, match="does not answer"):
        await OutsideHttp(LOOPBACK, seconds=5).send("GET", "http://127.0.0.1:1/", {})

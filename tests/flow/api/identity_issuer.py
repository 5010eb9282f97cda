"""Who issues identity tokens to CI jobs, on loopback: discovery, keys, and signatures made without the library that checks them."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256

RUNNER_SECRET = "what-the-runner-shows"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class SigningKey:
    """RS256, or ES256 with `curve`."""

    def __init__(self, key_id: str, *, bits: int = 2048, curve: ec.EllipticCurve | None = None) -> None:
        self.key_id = key_id
        self.private = ec.generate_private_key(curve) if curve else rsa.generate_private_key(65537, bits)

    @property
    def algorithm(self) -> str:
        return "RS256" if isinstance(self.private, rsa.RSAPrivateKey) else "ES256"

    @property
    def public(self) -> dict[str, str]:
        if isinstance(self.private, rsa.RSAPrivateKey):
            numbers = self.private.public_key().public_numbers()
            own = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
        else:
            point = self.private.public_key().public_numbers()
            own = {"kty": "EC", "crv": "P-256", "x": encoded(point.x.to_bytes(32)), "y": encoded(point.y.to_bytes(32))}
        return own | {"kid": self.key_id, "use": "sig", "alg": self.algorithm}

    def token(self, claims: dict[str, Any], **header: Any) -> str:
        head = {"alg": self.algorithm, "kid": self.key_id, "typ": "JWT"} | header
        signed = f"{encoded(json.dumps(head).encode())}.{encoded(json.dumps(claims).encode())}"
        return f"{signed}.{encoded(self._signature(signed.encode()))}"

    def _signature(self, signed: bytes) -> bytes:
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(signed, padding.PKCS1v15(), SHA256())
        size = (self.private.curve.key_size + 7) // 8
        r, s = utils.decode_dss_signature(self.private.sign(signed, ec.ECDSA(SHA256())))
        return r.to_bytes(size) + s.to_bytes(size)


class Issuer:
    """`asked` are the paths that were fetched. `GET /token?audience=` is what a runner of GitHub offers to its job."""

    def __init__(self) -> None:
        self.keys = [SigningKey("one")]
        self.shown: list[dict[str, Any]] = [self.keys[0].public]
        self.asked: list[str] = []
        self.away = False
        self.claims: dict[str, Any] = {}
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = issuer.answer(self.path, self.headers.get("authorization", ""))
                sent = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def answer(self, path: str, authorization: str) -> tuple[int, Any]:
        where, query = urlsplit(path).path, parse_qs(urlsplit(path).query)
        if where == "/token":
            if authorization != f"bearer {RUNNER_SECRET}":
                return 401, {"message": "no runner"}
            return 200, {"value": self.token(**self.claims, aud=query["audience"][0])}
        self.asked.append(where)
        if self.away:
            return 503, {}
        if where == "/.well-known/openid-configuration":
            return 200, {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        return (200, {"keys": self.shown}) if where == "/keys" else (404, {})

    def token(self, key: SigningKey | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(time.time())
        given = {"iss": self.url, "iat": now, "nbf": now, "exp": now + 300, "sub": "job"} | claims
        return (key or self.keys[0]).token({k: v for k, v in given.items() if v is not None}, **(header or {}))

    @contextmanager
    def serving(self) -> Iterator["Issuer"]:
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()

"""Requests to S3 signed with AWS Signature Version 4 ("Authenticating Requests: Using the Authorization Header" of the S3
API reference)."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

_ALGORITHM, _SERVICE, _END = "AWS4-HMAC-SHA256", "s3", "aws4_request"


@dataclass(frozen=True)
class AwsKey:
    access_key_id: str
    secret: str = field(repr=False)
    region: str


@dataclass(frozen=True)
class AwsRequest:
    """`path` without a query, not encoded; `headers` are signed beside `host`, with lower-case names."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def target(self) -> str:
        """Path and query as they are sent, and as they are signed."""
        query = canonical_query(self.query)
        return canonical_path(self.path) + (f"?{query}" if query else "")


def signed_headers(request: AwsRequest, key: AwsKey, now: datetime) -> dict[str, str]:
    """All that go along, without `host`."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(request.body).hexdigest()
    own = {**request.headers, "x-amz-content-sha256": digest, "x-amz-date": stamp}
    all_headers = {**own, "host": request.host}
    names = ";".join(sorted(all_headers))
    lines = "".join(f"{name}:{all_headers[name].strip()}\n" for name in sorted(all_headers))
    path, query = canonical_path(request.path), canonical_query(request.query)
    canonical = f"{request.method}\n{path}\n{query}\n{lines}\n{names}\n{digest}"
    scope = f"{stamp[:8]}/{key.region}/{_SERVICE}/{_END}"
    to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(_signing_key(key, stamp[:8]), to_sign.encode(), hashlib.sha256).hexdigest()
    credential = f"{key.access_key_id}/{scope}"
    own["authorization"] = f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return own


def canonical_path(path: str) -> str:
    return quote(path, safe="/-_.~")


def canonical_query(query: Mapping[str, str]) -> str:
    return "&".join(f"{quote(name, safe='-_.~')}={quote(query[name], safe='-_.~')}" for name in sorted(query))


def _signing_key(key: AwsKey, day: str) -> bytes:
    derived = f"AWS4{key.secret}".encode()
    for part in (day, key.region, _SERVICE, _END):
        derived = hmac.new(derived, part.encode(), hashlib.sha256).digest()
    return derived

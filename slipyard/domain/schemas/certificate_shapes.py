"""Certificates of an app's names: what is asked and what is answered. A key goes in and never comes out."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from slipyard.domain.schemas.incoming import Incoming
from slipyard.domain.schemas.outgoing import Outgoing

CertificateSource = Literal["none", "internal", "acme", "uploaded"]
_PEM = 256 * 1024


class BringCertificate(Incoming):
    other_names = {"certificate": "chain", "cert": "chain", "private_key": "key"}  # noqa: RUF012 - a table

    chain: str = Field(max_length=_PEM, description="PEM: the host's own certificate, then those that signed it")
    key: str = Field(max_length=_PEM, description="PEM, without a passphrase", repr=False)


class CertificateView(Outgoing):
    host: str
    source: CertificateSource = Field(description="Who makes the one that visitors get")
    names: list[str] = Field(description="Of the one that was brought")
    key_fingerprint: str | None = Field(description="Of the key that was brought")
    uploaded_at: datetime | None
    uploaded_until: datetime | None = Field(description="The end of the one that was brought")
    issuer: str | None = Field(description="Of the one that visitors were last seen to get")
    not_after: datetime | None = Field(description="Its end")
    last_error: str | None = Field(description="Why visitors got none when it was last looked at")
    checked_at: datetime | None


class CertificateList(Outgoing):
    certificates: list[CertificateView]
    total: int

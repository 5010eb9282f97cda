"""Bodies of the calls about git credentials."""

from typing import Annotated, Literal

from pydantic import Field

from slipyard.domain.schemas.incoming import Incoming

MAXIMUM_SECRET = 16 * 1024
Secret = Annotated[str, Field(min_length=1, max_length=MAXIMUM_SECRET)]


class CreateGitCredential(Incoming):
    """`token` for https by itself, or with `username` and `password`; `private_key` or `generate` for ssh."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]*$", examples=["github"])
    host: str = Field(min_length=1, max_length=260, examples=["github.com"], description="With a port where it has one")
    kind: Literal["token", "basic", "ssh"] | None = Field(None, description="Default: what the given secret is")
    username: str | None = Field(None, min_length=1, max_length=255, description="Default git")
    token: Secret | None = Field(None, repr=False)
    password: Secret | None = Field(None, repr=False)
    private_key: Secret | None = Field(None, repr=False, description="OpenSSH, without passphrase")
    generate: bool = Field(default=False, description="Make an ed25519 key here; only its public half is ever shown")
    known_hosts: str = Field("", max_length=16384, description="Keys of the ssh host; default: the first it shows")


class RenewGitCredential(Incoming):
    """Another secret of the same kind, other known hosts, or both. Name and host stay: apps rely on them."""

    username: str | None = Field(None, min_length=1, max_length=255)
    token: Secret | None = Field(None, repr=False)
    password: Secret | None = Field(None, repr=False)
    private_key: Secret | None = Field(None, repr=False)
    generate: bool = False
    known_hosts: str | None = Field(None, max_length=16384, description='"" keeps the next key that the host shows')


class TryGitCredential(Incoming):
    repo_url: str = Field(min_length=1, max_length=2048, examples=["https://github.com/me/shop.git"])

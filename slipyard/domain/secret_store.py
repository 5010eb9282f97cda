"""Where secrets are read from elsewhere, as an administrator tells it once for all apps of an organization."""

import re
from typing import Annotated, Literal

from pydantic import Field

from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.domain.values import Value

MOST_SECRET_BYTES = 512 * 1024
_NAME = re.compile(r"[a-z][a-z0-9-]{0,47}")
_KEY = re.compile(r"[A-Za-z0-9_./@+=][A-Za-z0-9_./@+=:#,-]{0,499}")


class FileStore(Value):
    """A directory of files on Slipyard's machine; a key is the path of a file in it."""

    kind: Literal["file"] = "file"
    directory: str = Field(min_length=2, max_length=1000, pattern="^/")


class CommandStore(Value):
    """A program on Slipyard's machine; the key is its last argument, the value what it writes to its standard output."""

    kind: Literal["command"] = "command"
    command: tuple[str, ...] = Field(min_length=1, max_length=50)
    seconds: float = Field(10.0, gt=0, le=120)


class VaultStore(Value):
    """The KV engine, version 2, of a HashiCorp Vault or what speaks like one; a key is `path#field`."""

    kind: Literal["vault"] = "vault"
    url: str = Field(max_length=500, examples=["https://vault.example.com:8200"])
    token: str = Field(min_length=1, max_length=4096, repr=False)
    mount: str = Field("secret", pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$", max_length=200)
    namespace: str | None = Field(None, max_length=200, pattern=r"^[A-Za-z0-9_/-]+$")


StoreSettings = Annotated[FileStore | CommandStore | VaultStore, Field(discriminator="kind")]


def check_store_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValidationFailed(
            f"{name[:60]!r} cannot name a store: use up to 48 lower-case letters, digits and hyphens.",
            details=[FieldProblem("name", "must look like vault-1")],
        )
    return name


def check_origin(origin: str) -> str:
    """`store:key`. No key begins like an option, and none leads out of a directory."""
    name, colon, key = origin.partition(":")
    check_store_name(name)
    if not colon or not _KEY.fullmatch(key) or ".." in key.split("/") or key.startswith("/"):
        raise ValidationFailed(
            f"{origin[:100]!r} names no secret in a store: write STORE:KEY, such as vault:shop/db#password.",
            details=[FieldProblem("origin", "must look like vault:shop/db#password")],
        )
    return origin

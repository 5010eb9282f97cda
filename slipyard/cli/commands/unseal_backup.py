"""`slipyard volumes unseal`: a sealed backup opened here, without any server: all that it takes is `secret.key`."""

import sys
from pathlib import Path
from typing import IO, Annotated

import typer

from slipyard.cli.failure import WrongUsage
from slipyard.domain.layout import Layout
from slipyard.domain.settings import home_directory
from slipyard.store.cipher import Cipher, read_keys
from slipyard.store.stream_cipher import Opener

_PIECE = 1024 * 1024


def unseal(
    file: Annotated[Path, typer.Argument(help="A backup, as it lies at its place.")],
    to: Annotated[Path, typer.Argument(help="The .tar.zst to write; - is standard output.")],
    *,
    key: Annotated[
        Path | None, typer.Option("--key", help="secret.key of the installation that made it; default the one here.")
    ] = None,
) -> None:
    """Open a sealed backup without a server: slipyard volumes unseal 20260301T030000Z-bak_1.tar.zst.sealed data.tar.zst."""
    keys = key or Layout(home_directory()).secret_key
    if not file.is_file() or not keys.is_file():
        raise WrongUsage(f"There is no file {keys if file.is_file() else file} here.")
    with file.open("rb") as sealed:
        opener = Opener(sealed.read, Cipher(read_keys(keys)).streams)
        if str(to) == "-":
            _copy(opener, sys.stdout.buffer)
            return
        part = to.with_name(f".{to.name}.part")
        try:
            with part.open("wb") as opened:
                _copy(opener, opened)
        except BaseException:
            part.unlink()
            raise
        part.replace(to)
    print(f"{to}: tar --zstd -tf {to} lists what is in it.")


def _copy(opener: Opener, target: IO[bytes]) -> None:
    while piece := opener.read(_PIECE):
        target.write(piece)

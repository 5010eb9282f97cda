"""`slipyard git-credential get`: a git credential helper, so that `git push` needs no password in an URL.

The protocol is that of gitcredentials(7): attributes on standard input, `username` and `password` on standard output.
"""

import sys
from typing import Annotated
from urllib.parse import urlsplit

import typer

from slipyard.cli.connection import find_connection
from slipyard.cli.failure import Unreachable

app = typer.Typer()
_USERNAME = "slipyard"


@app.command()
def answer(
    operation: Annotated[str, typer.Argument(help="get, store or erase; only get is answered.")] = "get",
) -> None:
    """Answer git with the token of this server. Set it up with:

    git config credential.helper '!slipyard git-credential'
    """
    asked = dict(line.rstrip("\n").split("=", 1) for line in sys.stdin if "=" in line)
    if operation != "get":
        return
    try:
        connection = find_connection()
    except Unreachable:
        return  # git asks the next helper, or the user
    server = urlsplit(connection.url)
    if f"{server.scheme}://{server.netloc}" == _origin(asked):
        print(f"username={_USERNAME}\npassword={connection.token}")


def _origin(asked: dict[str, str]) -> str:
    """Only for the very server that the token belongs to: git asks for every host that it talks to."""
    return f"{asked.get('protocol', '')}://{asked.get('host', '')}"

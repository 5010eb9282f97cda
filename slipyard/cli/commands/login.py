"""`slipyard login` and `slipyard login-link`."""

import getpass
import sys
from typing import Annotated
from urllib.parse import urlsplit

import typer

from slipyard.cli.client import Client
from slipyard.cli.connection import Connection
from slipyard.cli.credentials import Credentials, credentials_path
from slipyard.cli.failure import WrongUsage
from slipyard.cli.options import Json
from slipyard.cli.output import print_json
from slipyard.cli.up.login_link import make_login_link
from slipyard.domain.layout import Layout
from slipyard.domain.settings import read_settings

app = typer.Typer()
link_app = typer.Typer()


@app.command()
def login(
    url: Annotated[str, typer.Argument(help="Such as https://slipyard.example.com")],
    *,
    as_json: Json = False,
) -> None:
    """Remember a server and a token for later commands.

    The token is asked for, or read from standard input in a pipe; it never stands on the command line.
    """
    server = _checked(url)
    token = (getpass.getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()
    if not token:
        raise WrongUsage("No token was given. Pipe it in, as in `slipyard login URL < token-file`.")
    apps = Client(Connection(server, token)).get("/apps", limit=1)
    known = Credentials.load(credentials_path())
    known.remember(server, token)
    known.save(credentials_path())
    if as_json:
        print_json({"url": server, "apps": apps["total"]})
    else:
        print(f"Signed in to {server}, which has {apps['total']} apps. The token is in {credentials_path()}.")


@link_app.command()
def login_link(*, as_json: Json = False) -> None:
    """Make a link that signs one browser in, once, within 15 minutes. Only on the machine of the installation."""
    settings = read_settings()
    link = make_login_link(settings, Layout(settings.home))
    if as_json:
        print_json({"url": link})
    else:
        print(link)


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise WrongUsage(f"{url!r} is not the address of a server: write it as https://slipyard.example.com")
    return url.rstrip("/").removesuffix("/v1")

"""`slipyard certificates list|add|show|remove`: certificates of an app's names."""

from pathlib import Path
from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.failure import WrongUsage
from slipyard.cli.options import AppOption, Json
from slipyard.cli.output import Cell, ago, print_fields, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="List, bring and remove certificates of an app's names.")
Host = Annotated[str, typer.Argument(help="A name of the app, such as www.example.com or *.example.com.")]


@app.command("list")
def list_certificates(*, app_name: AppOption = None, as_json: Json = False) -> None:
    """List who makes the certificate of each name, and until when it is good."""
    found = connect().get(_path(app_name))
    if as_json:
        print_json(found)
    elif not found["certificates"]:
        print("No names of its own. Add one with `slipyard domains add APP www.example.com`.")
    else:
        print_table(("NAME", "FROM", "ISSUER", "UNTIL", "SEEN", "TROUBLE"), map(_row, found["certificates"]))


@app.command(epilog="Example: slipyard certificates add www.example.com --chain chain.pem --key key.pem -a shop")
def add(
    host: Host,
    *,
    chain: Annotated[Path, typer.Option("--chain", help="PEM: the name's own first, then those that signed it.")],
    key: Annotated[Path, typer.Option("--key", help="PEM without a passphrase; it is kept sealed.")],
    app_name: AppOption = None,
    as_json: Json = False,
) -> None:
    """Bring a certificate; it is served at once, in place of any other."""
    body = {"chain": _text(chain), "key": _text(key)}
    shown = connect().put(f"{_path(app_name)}/{segment(host)}", body)
    if as_json:
        print_json(shown)
    else:
        print(f"{shown['host']} shows visitors this certificate, which is good until {shown['uploaded_until']}.")


@app.command()
def show(host: Host, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """Show what was brought for a name, and what visitors were last seen to get."""
    row = connect().get(f"{_path(app_name)}/{segment(host)}")
    if as_json:
        print_json(row)
        return
    print_fields((
        ("Name", row["host"]), ("From", row["source"]), ("Names in it", ", ".join(row["names"])),
        ("Brought until", row["uploaded_until"]), ("Key", row["key_fingerprint"]), ("Visitors get", row["issuer"]),
        ("Until", row["not_after"]), ("Trouble", row["last_error"]), ("Looked at", ago(row["checked_at"])),
    ))  # fmt: skip


@app.command()
def remove(host: Host, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """Take away a certificate that was brought."""
    done = connect().delete(f"{_path(app_name)}/{segment(host)}")
    if as_json:
        print_json(done)
    else:
        print(done["message"])


def _path(app_name: str | None) -> str:
    return f"/apps/{segment(app_or_fail(app_name))}/certificates"


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"{path} cannot be read as text: {error}.") from None


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    until = row["not_after"] or row["uploaded_until"]
    return row["host"], row["source"], row["issuer"], until and until[:10], ago(row["checked_at"]), row["last_error"]

"""`slipyard domains list|add|show|verify|remove`: names of its own that an app answers at."""

from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import Client, connect, segment
from slipyard.cli.failure import Refused
from slipyard.cli.options import AppArgument, Json
from slipyard.cli.output import Cell, print_fields, print_json, print_table, styled_status

app = typer.Typer(no_args_is_help=True, help="Names of its own that an app answers at.")
Name = Annotated[str, typer.Argument(metavar="APP", help="Name or id of the app.")]
Place = Annotated[str, typer.Argument(metavar="DOMAIN", help="The name, name/path, or the id.")]


@app.command("list")
def list_domains(name: AppArgument = None, *, as_json: Json = False) -> None:
    """List the domains of an app."""
    found = connect().get(_path(app_or_fail(name)))
    if as_json:
        print_json(found)
    elif not found["domains"]:
        print("No domains. Add one with `slipyard domains add APP www.example.com`.")
    else:
        print_table(("DOMAIN", "LEADS TO", "CERTIFICATE", "ID", "STATUS"), map(_row, found["domains"]))


@app.command()
def add(
    name: Name,
    domain: Annotated[str, typer.Argument(help="www.example.com, example.com/api, or *.example.com.")],
    *,
    strip_prefix: Annotated[bool, typer.Option("--strip-prefix", help="The app is asked without the path.")] = False,
    redirect_to: Annotated[str | None, typer.Option("--redirect-to", help="Send visitors to this host.")] = None,
    redirect_status: Annotated[int, typer.Option("--status", help="Of the redirect.")] = 308,
    www: Annotated[bool, typer.Option("--www", help="Also with www. in front, or without: it leads here.")] = False,
    as_json: Json = False,
) -> None:
    """Let an app answer at a name, or below a path of it. Point the name's DNS to this machine."""
    host, slash, path = domain.partition("/")
    body = {"domain": host, "path": slash + path or "/", "strip_prefix": strip_prefix, "redirect_to": redirect_to}
    made = connect().post(_path(name), body | {"redirect_status": redirect_status, "www": www})
    if as_json:
        print_json(made)
    elif made["status"] == "pending":
        print(f"{made['domain']} waits for the proof that it is yours:\n{_wanted(made)}")
    elif made["redirect_to"]:
        print(f"{made['url']} sends visitors to {made['redirect_to']}.")
    else:
        print(f"{name} answers at {made['url']} once DNS leads there.")


@app.command()
def show(name: Name, domain: Place, *, as_json: Json = False) -> None:
    """Show a domain."""
    client = connect()
    row = client.get(f"{_path(name)}/{segment(find_domain_id(client, name, domain))}")
    if as_json:
        print_json(row)
        return
    print_fields((
        ("Domain", _place(row)), ("Leads to", _leads_to(row)), ("URL", row["url"]),
        ("Status", styled_status(row["status"])), ("Certificate", row["certificate"]), ("Until", row["certificate_until"]),
        ("Trouble", row["certificate_error"]), ("Id", row["id"]),
    ))  # fmt: skip
    if row["proof"]:
        print(_wanted(row))


@app.command()
def verify(name: Name, domain: Place, *, as_json: Json = False) -> None:
    """Look for the proof of a domain now."""
    client = connect()
    row = client.post(f"{_path(name)}/{segment(find_domain_id(client, name, domain))}/verify")
    if as_json:
        print_json(row)
    elif row["proof"]:
        raise Refused(f"{row['proof']['last_error']} Set it at your DNS provider, then try again: {_wanted(row)}")
    else:
        print(f"{row['domain']} is proved; {name} answers there.")


@app.command()
def remove(name: Name, domain: Place, *, as_json: Json = False) -> None:
    """Let an app answer no more at a name; another app may have it then."""
    client = connect()
    done = client.delete(f"{_path(name)}/{segment(find_domain_id(client, name, domain))}")
    if as_json:
        print_json(done)
    else:
        print(done["message"])


def find_domain_id(client: Client, name: str, given: str) -> str:
    """A name without a path is enough for the server; which name and path somebody means, the list says."""
    host, slash, path = given.partition("/")
    if not slash or not path.strip("/"):
        return host
    for row in client.get(_path(name))["domains"]:
        if row["domain"] == host.lower() and row["path"] == f"/{path.strip('/')}":
            return str(row["id"])
    raise Refused(f"{name} has no domain {given}. `slipyard domains list {name}` shows what it has.", code="not_found")


def _wanted(row: dict[str, Any]) -> str:
    return f'{row["proof"]["record_name"]}. TXT "{row["proof"]["record_value"]}"'


def _path(name: str) -> str:
    return f"/apps/{segment(name)}/domains"


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    return _place(row), _leads_to(row), row["certificate"], row["id"], row["status"]


def _place(row: dict[str, Any]) -> str:
    return str(row["domain"]) if row["path"] == "/" else f"{row['domain']}{row['path']}"


def _leads_to(row: dict[str, Any]) -> str:
    if row["redirect_to"]:
        return f"{row['redirect_to']} ({row['redirect_status']})"
    return "the app, without the path" if row["strip_prefix"] else "the app"

"""`slipyard secret-stores list|add-file|add-command|add-vault|test|remove`: where secrets are read from elsewhere."""

from pathlib import Path
from typing import Annotated, Any

import typer

from slipyard.cli.client import connect, segment
from slipyard.cli.options import Json
from slipyard.cli.output import print_json, print_table
from slipyard.cli.secret_option import read_secret

app = typer.Typer(no_args_is_help=True, help="List, add, test and remove stores that secrets are read from.")
Name = Annotated[str, typer.Argument(help="Name of the store.")]


@app.command("list")
def list_stores(*, as_json: Json = False) -> None:
    """List stores; tokens are never shown."""
    found = connect().get("/secret-stores")
    if as_json:
        print_json(found)
    else:
        rows = [(row["name"], row["kind"], row["place"]) for row in found["secret_stores"]]
        print_table(("NAME", "KIND", "PLACE"), rows)


@app.command("add-file")
def add_file(
    name: Name,
    directory: Annotated[str, typer.Argument(help="A directory on Slipyard's machine.")],
    *,
    as_json: Json = False,
) -> None:
    """Add a directory of files; a key is the path of one."""
    _add(name, {"kind": "file", "directory": directory}, as_json=as_json)


@app.command("add-command", context_settings={"ignore_unknown_options": True})
def add_command(
    name: Name,
    command: Annotated[list[str], typer.Argument(help="A program and its arguments; the key comes last.")],
    *,
    seconds: Annotated[float, typer.Option("--seconds", help="How long it may take.")] = 10.0,
    as_json: Json = False,
) -> None:
    """Add a program on Slipyard's machine that prints a secret."""
    _add(name, {"kind": "command", "command": command, "seconds": seconds}, as_json=as_json)


@app.command("add-vault")
def add_vault(
    name: Name,
    url: Annotated[str, typer.Argument(help="Such as https://vault.example.com:8200.")],
    *,
    mount: Annotated[str, typer.Option("--mount", help="Of the KV engine, version 2.")] = "secret",
    namespace: Annotated[str | None, typer.Option("--namespace", help="Vault Enterprise and OpenBao.")] = None,
    token_file: Annotated[Path | None, typer.Option("--token-file", help="File that holds the token.")] = None,
    token_stdin: Annotated[bool, typer.Option("--token-stdin", help="Read the token from standard input.")] = False,
    as_json: Json = False,
) -> None:
    """Add a HashiCorp Vault; a key is path#field. Its token is asked for, or comes from a file or a pipe."""
    token = read_secret(token_file, "Token: ", from_stdin=token_stdin)
    settings = {"kind": "vault", "url": url, "token": token, "mount": mount, "namespace": namespace}
    _add(name, settings, as_json=as_json)


@app.command("test")
def try_store(
    name: Name, key: Annotated[str, typer.Argument(help="Of a secret in it.")], *, as_json: Json = False
) -> None:
    """Read one secret, and say how long it is."""
    done = connect().post(f"/secret-stores/{segment(name)}/test", {"key": key})
    print_json(done) if as_json else print(done["message"])


@app.command()
def remove(name: Name, *, as_json: Json = False) -> None:
    """Remove a store. Refused while secrets of apps come from there."""
    done = connect().delete(f"/secret-stores/{segment(name)}")
    print_json(done) if as_json else print(done["message"])


def _add(name: str, settings: dict[str, Any], *, as_json: bool) -> None:
    made = connect().post("/secret-stores", {"name": name, "settings": settings})
    if as_json:
        print_json(made)
    else:
        print(
            f"{made['name']} is added: {made['place']}. `slipyard secrets set NAME --from {made['name']}:KEY` uses it."
        )

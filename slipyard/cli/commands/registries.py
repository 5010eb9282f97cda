"""`slipyard registries list|add|test|remove`: logins at registries, for images that are not everybody's."""

from pathlib import Path
from typing import Annotated

import typer

from slipyard.cli.client import connect, segment
from slipyard.cli.failure import Failed
from slipyard.cli.options import Json
from slipyard.cli.output import ago, print_json, print_table
from slipyard.cli.secret_option import read_secret

app = typer.Typer(no_args_is_help=True, help="List, add, test and remove logins at registries.")
Host = Annotated[str, typer.Argument(help="docker.io, ghcr.io, registry.example.com:5000.")]


@app.command("list")
def list_registries(*, as_json: Json = False) -> None:
    """List logins; their passwords are never shown."""
    found = connect().get("/registries")
    if as_json:
        print_json(found)
    elif not found["registries"]:
        print("No logins at registries. Add one with `slipyard registries add ghcr.io --user me`.")
    else:
        rows = ((row["host"], row["username"], ago(row["created_at"]), row["id"]) for row in found["registries"])
        print_table(("HOST", "USER", "ADDED", "ID"), rows)


@app.command()
def add(
    host: Host,
    *,
    user: Annotated[str, typer.Option("--user", help="Whose password or token it is.")],
    password_file: Annotated[Path | None, typer.Option("--password-file", help="Read the password from it.")] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read it from standard input.")] = False,
    as_json: Json = False,
) -> None:
    """Keep a login for one registry; a second one takes the place of the first. For example:

    slipyard registries add ghcr.io --user me --password-file token
    """
    password = read_secret(password_file, f"Password of {user} at {host}: ", from_stdin=password_stdin)
    made = connect().post("/registries", {"host": host, "username": user, "password": password})
    if as_json:
        print_json(made)
    else:
        print(f"Kept the login of {made['username']} at {made['host']}. Deployments, polling and builds pull with it.")


@app.command("test")
def try_registry(
    host: Host,
    image: Annotated[str | None, typer.Argument(help="May this image be pulled?")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Ask the registry: exit code 0 where it takes the login, 1 where not."""
    tried = connect().post(f"/registries/{segment(host)}/test", {"image": image} if image else {})
    if as_json:
        print_json(tried)
    elif tried["success"]:
        print(tried["message"])
    if not tried["success"]:
        raise Failed(tried["message"], code="no_registry_access")


@app.command()
def remove(host: Host, *, as_json: Json = False) -> None:
    """Remove a login; what runs goes on running."""
    done = connect().delete(f"/registries/{segment(host)}")
    if as_json:
        print_json(done)
    else:
        print(done["message"])

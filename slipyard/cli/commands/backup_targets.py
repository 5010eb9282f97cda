"""`slipyard backup-targets list|add|test|remove`: places where backups of volumes go."""

from pathlib import Path
from typing import Annotated, Any

import typer

from slipyard.cli.client import connect, segment
from slipyard.cli.failure import Failed
from slipyard.cli.options import Json
from slipyard.cli.output import Cell, print_json, print_table
from slipyard.cli.secret_option import read_secret

app = typer.Typer(no_args_is_help=True, help="Places where backups of volumes go; `here` is always there.")
Name = Annotated[str, typer.Argument(metavar="PLACE", help="Its name.")]


@app.command("list")
def list_targets(*, as_json: Json = False) -> None:
    """List the places for backups."""
    found = connect().get("/backup-targets")
    if as_json:
        print_json(found)
    elif not found["targets"]:
        print("Only `here`, a directory of this installation. Add one with `slipyard backup-targets add NAME`.")
    else:
        print_table(("PLACE", "KIND", "WHERE", "ID"), map(_row, found["targets"]))


@app.command()
def add(
    name: Name,
    *,
    directory: Annotated[str | None, typer.Option("--directory", help="Of the server's machine: /mnt/backups.")] = None,
    bucket: Annotated[str | None, typer.Option("--bucket", help="Name of a bucket.")] = None,
    endpoint: Annotated[str, typer.Option("--endpoint", help="Of the bucket.")] = "https://s3.amazonaws.com",
    region: Annotated[str, typer.Option("--region", help="Of the bucket.")] = "us-east-1",
    prefix: Annotated[str, typer.Option("--prefix", help="In front of all names: slipyard/.")] = "",
    access_key_id: Annotated[str, typer.Option("--access-key-id", help="Whose secret is asked for.")] = "",
    secret_file: Annotated[Path | None, typer.Option("--secret-file", help="File with the secret of the key.")] = None,
    secret_stdin: Annotated[bool, typer.Option("--secret-stdin", help="Read it from standard input.")] = False,
    as_json: Json = False,
) -> None:
    """Add a directory, or a bucket: slipyard backup-targets add offsite --bucket shop-backups --access-key-id AKIA..."""
    body: dict[str, Any] = {"name": name, "directory": directory}
    if bucket is not None:
        told = {"endpoint": endpoint.rstrip("/"), "region": region, "prefix": prefix, "access_key_id": access_key_id}
        secret = read_secret(secret_file, "Secret access key: ", from_stdin=secret_stdin)
        body |= {"bucket": {"bucket": bucket, **told}, "secret_access_key": secret}
    made = connect().post("/backup-targets", body)
    if as_json:
        print_json(made)
    else:
        print(
            f"{made['name']} takes backups at {made['place']}. `slipyard backup-targets test {made['name']}` tries it."
        )


@app.command("test")
def try_target(name: Name, *, as_json: Json = False) -> None:
    """Write a few bytes there, read them again and remove them: exit code 0 where that goes, 1 where not."""
    tried = connect().post(f"/backup-targets/{segment(name)}/test")
    if as_json:
        print_json(tried)
    elif tried["success"]:
        print(tried["message"])
    if not tried["success"]:
        raise Failed(tried["message"], code="not_usable")


@app.command()
def remove(name: Name, *, as_json: Json = False) -> None:
    """Remove a place; what lies there stays there."""
    done = connect().delete(f"/backup-targets/{segment(name)}")
    if as_json:
        print_json(done)
    else:
        print(done["message"])


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    return row["name"], row["kind"], row["place"], row["id"]

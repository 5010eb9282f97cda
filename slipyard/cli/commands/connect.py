"""`slipyard connect` and `slipyard connections`: tokens for the APIs of code hosts."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from slipyard.cli.client import connect, segment
from slipyard.cli.options import Json
from slipyard.cli.output import ago, print_json, print_table
from slipyard.cli.secret_option import read_secret

app = typer.Typer()
list_app = typer.Typer(invoke_without_command=True, help="List and remove connections to code hosts.")


class Provider(StrEnum):
    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    FORGEJO = "forgejo"
    BITBUCKET = "bitbucket"


@app.command()
def connect_code_host(
    provider: Annotated[Provider, typer.Argument(help="Which code host.")],
    *,
    url: Annotated[str | None, typer.Option("--url", help="Of an installation of your own.")] = None,
    token_file: Annotated[Path | None, typer.Option("--token-file", help="File that holds the token.")] = None,
    token_stdin: Annotated[bool, typer.Option("--token-stdin", help="Read the token from standard input.")] = False,
    as_json: Json = False,
) -> None:
    """Store a token for a code host, so that commits there show what became of them.

    The token is tried there first. It is asked for where no file is named; it never stands on the command line.
    """
    token = read_secret(token_file, f"Token for {provider}: ", from_stdin=token_stdin)
    made = connect().post("/connections", {"provider": str(provider), "url": url, "token": token})
    if as_json:
        print_json(made)
    else:
        print(
            f"Connected to {made['host']} as {made['account']}. Apps whose repository lies there show their deployments "
            "on its commits."
        )


@list_app.callback()
def list_connections(context: typer.Context, *, as_json: Json = False) -> None:
    """List connections; their tokens are never shown."""
    if context.invoked_subcommand is not None:
        return
    found = connect().get("/connections")
    if as_json:
        print_json(found)
    elif not found["connections"]:
        print("No connections. Make one with `slipyard connect github`.")
    else:
        print_table(("PROVIDER", "HOST", "ACCOUNT", "MADE", "ID"), map(_row, found["connections"]))


@list_app.command()
def remove(
    name: Annotated[str, typer.Argument(help="Host, provider or id.")],
    *,
    as_json: Json = False,
) -> None:
    """Forget a token; refused while webhooks that it made are there."""
    done = connect().delete(f"/connections/{segment(name)}")
    if as_json:
        print_json(done)
    else:
        print(done["message"])


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    return row["provider"], row["host"], row["account"], ago(row["created_at"]), row["id"]

"""`slipyard connect` and `slipyard connections`: tokens for the APIs of code hosts."""

import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import Client, connect, segment
from slipyard.cli.failure import WrongUsage
from slipyard.cli.options import AppOption, Json
from slipyard.cli.output import ago, print_json, print_table
from slipyard.cli.secret_option import read_secret

app = typer.Typer()
_LOOK_SECONDS = 1.0
disconnect_app = typer.Typer()
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
    app_name: AppOption = None,
    ssh_url: Annotated[
        str | None, typer.Option("--ssh-url", help="Where its deploy key opens; default by host.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="With --app: return when the first push has arrived.")] = False,
    as_json: Json = False,
) -> None:
    """Store a token for a code host, so that commits there show what became of them.

    The token is tried there first. It is asked for where no file is named; it never stands on the command line. With
    --app the webhook of that app is made there too, and a deploy key where its repository is private.
    """
    client = connect()
    if app_name is None or token_file or token_stdin or not _is_known(client, str(provider), url):
        token = read_secret(token_file, f"Token for {provider}: ", from_stdin=token_stdin)
        made = client.post("/connections", {"provider": str(provider), "url": url, "token": token})
        if app_name is None or not as_json:
            _say(made, as_json=as_json)
    if app_name is not None:
        made = _install(client, app_name, ssh_url, as_json=as_json)
        if wait:
            _wait(client, f"/apps/{segment(app_name)}/webhooks/{segment(made['id'])}")


@disconnect_app.command()
def disconnect(
    *,
    app_name: AppOption = None,
    force: Annotated[bool, typer.Option("--force", help="Forget it here where its host does not let it go.")] = False,
    as_json: Json = False,
) -> None:
    """Take back what `connect --app` made: the webhook, the deploy key, and the app's way to its repository."""
    client, name = connect(), segment(app_or_fail(app_name))
    hooks = client.get(f"/apps/{name}/webhooks")["webhooks"]
    installed = [hook for hook in hooks if hook["installed"]]
    if not installed:
        raise WrongUsage("Nothing was made for this app at a code host; `slipyard webhooks` shows its webhooks.")
    for hook in installed:
        done = client.delete(f"/apps/{name}/webhooks/{segment(hook['id'])}", force="true" if force else None)
        if as_json:
            print_json(done)
        else:
            print(done["message"])


def _is_known(client: Client, provider: str, url: str | None) -> bool:
    """Whether a token for it is stored already. With --url, only one for that very host."""
    host = urlsplit(url).netloc if url else None
    rows = client.get("/connections")["connections"]
    return any(row["provider"] == provider and host in {None, row["host"]} for row in rows)


def _install(client: Client, name: str, ssh_url: str | None, *, as_json: bool) -> Any:
    made = client.post(f"/apps/{segment(name)}/webhooks", {"install": True, "ssh_url": ssh_url})
    if as_json:
        print_json(made)
    else:
        print("\n".join(made["done"]))
    return made


def _wait(client: Client, path: str) -> None:
    """Ctrl-C leaves everything as it is."""
    said = None
    while (hook := client.get(path))["waiting_since"] is not None:
        if hook["state_message"] != said:
            said = hook["state_message"]
            print(said, file=sys.stderr)
        time.sleep(_LOOK_SECONDS)
    print(hook["state_message"], file=sys.stderr)


def _say(made: dict[str, Any], *, as_json: bool) -> None:
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

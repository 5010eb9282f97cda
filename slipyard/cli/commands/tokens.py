"""`slipyard tokens list|create|revoke`."""

from typing import Annotated

import typer

from slipyard.cli.client import connect, segment
from slipyard.cli.options import Json
from slipyard.cli.output import ago, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Who may use Slipyard, and how far.")


@app.command("list")
def list_tokens(*, as_json: Json = False) -> None:
    """List the tokens that are good; their secrets are never shown again."""
    found = connect().get("/tokens")
    if as_json:
        print_json(found)
        return
    rows = [
        (row["id"], row["name"], row["person"], ", ".join(row["scopes"]), row["app_id"], ago(row["last_used_at"]))
        for row in found["tokens"]
    ]
    print_table(("ID", "NAME", "PERSON", "SCOPES", "APP", "USED"), rows)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for; the history shows it.")],
    *,
    scope: Annotated[
        list[str], typer.Option("--scope", "-s", help="apps:read, apps:write, apps:deploy or admin; again for more.")
    ],
    person: Annotated[
        str | None, typer.Option("--for", metavar="PERSON", help="Whose it is; default: yours. See approvals.")
    ] = None,
    only_app: Annotated[str | None, typer.Option("--app", "-a", help="Good for this app only.")] = None,
    as_json: Json = False,
) -> None:
    """Make a token and print it, this once."""
    given = {"person": person, "app": only_app}
    body = {"name": name, "scopes": scope} | {key: value for key, value in given.items() if value is not None}
    made = connect().post("/tokens", body)
    if as_json:
        print_json(made)
    else:
        print(made["token"])


@app.command()
def revoke(token_id: Annotated[str, typer.Argument(metavar="ID", help="As the list shows it.")]) -> None:
    """Refuse it from now on, also to browsers that came in with it."""
    print(connect().delete(f"/tokens/{segment(token_id)}")["message"])

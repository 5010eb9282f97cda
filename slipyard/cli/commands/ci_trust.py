"""`slipyard ci-trust add|list|remove`."""

from typing import Annotated

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.failure import WrongUsage
from slipyard.cli.options import AppOption, Json
from slipyard.cli.output import ago, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Let CI jobs deploy an app with their identity, without a stored secret.")


@app.command()
def add(
    repository: Annotated[str, typer.Argument(help="owner/name, or group/project.")],
    *,
    app_name: AppOption = None,
    provider: Annotated[str | None, typer.Option("--provider", help="github or gitlab; default: github.")] = None,
    issuer: Annotated[str | None, typer.Option("--issuer", help="URL of a GitLab or GitHub of your own.")] = None,
    branch: Annotated[str | None, typer.Option("--branch", help="Default: the app's branch.")] = None,
    ref: Annotated[str | None, typer.Option("--ref", help="A glob instead, such as 'refs/tags/v*'.")] = None,
    audience: Annotated[str | None, typer.Option("--audience", help="Default: the URL of Slipyard.")] = None,
    as_json: Json = False,
) -> None:
    """Trust jobs of a repository, at one branch or what a glob names."""
    if branch is not None and ref is not None:
        raise WrongUsage("Give --branch or --ref, not both.")
    given = {
        "provider": provider if issuer is None else None,
        "issuer": issuer,
        "ref": f"refs/heads/{branch}" if branch else ref,
        "audience": audience,
    }
    if provider is None and issuer is None:
        given["provider"] = "github"
    body = {"repository": repository} | {name: value for name, value in given.items() if value is not None}
    made = connect().post(_path(app_name), body)
    if as_json:
        print_json(made)
    else:
        print(
            f"CI jobs of {made['repository']} at {made['ref']} may deploy. They ask for a token with the audience"
            f" {made['audience']}."
        )


@app.command("list")
def list_trusts(*, app_name: AppOption = None, as_json: Json = False) -> None:
    """List whose jobs may deploy."""
    found = connect().get(_path(app_name))
    if as_json:
        print_json(found)
        return
    rows = [
        (row["id"], row["repository"], row["ref"], row["issuer"], row["audience"], ago(row["created_at"]))
        for row in found["ci_trusts"]
    ]
    print_table(("ID", "REPOSITORY", "REF", "ISSUER", "AUDIENCE", "ADDED"), rows)


@app.command()
def remove(
    trust_id: Annotated[str, typer.Argument(metavar="ID", help="As the list shows it.")],
    *,
    app_name: AppOption = None,
    as_json: Json = False,
) -> None:
    """Trust these jobs no more."""
    answer = connect().delete(f"{_path(app_name)}/{segment(trust_id)}")
    if as_json:
        print_json(answer)
    else:
        print(answer["message"])


def _path(app_name: str | None) -> str:
    return f"/apps/{segment(app_or_fail(app_name))}/ci-trusts"

"""`slipyard webhooks list|create|rotate|test|delete`."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.exit_codes import ExitCode
from slipyard.cli.options import AppOption, Json
from slipyard.cli.output import Cell, ago, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="List, create, try out and delete webhooks of an app.")
HookArgument = Annotated[str | None, typer.Argument(metavar="WEBHOOK", help="Its id; default: the app's first.")]


class Provider(StrEnum):
    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    FORGEJO = "forgejo"
    BITBUCKET = "bitbucket"
    BITBUCKET_SERVER = "bitbucket-server"
    AZURE_DEVOPS = "azure-devops"
    DOCKER_HUB = "dockerhub"
    REGISTRY = "registry"
    GENERIC = "generic"


class Scheme(StrEnum):
    SIGNATURE = "signature"
    TOKEN = "token"  # noqa: S105 - the name of a scheme
    BASIC = "basic"
    NONE = "none"


@app.command("list")
def list_webhooks(*, app_name: AppOption = None, as_json: Json = False) -> None:
    """List webhooks and whether they have been heard of."""
    found = connect().get(_path(app_name))
    if as_json:
        print_json(found)
    elif not found["webhooks"]:
        print("No webhooks. Make one with `slipyard webhooks create github`.")
    else:
        print_table(("ID", "PROVIDER", "HEARD", "REFUSED", "STATE", "URL"), map(_row, found["webhooks"]))


@app.command()
def create(
    provider: Annotated[Provider, typer.Argument(help="Who will deliver.")],
    *,
    app_name: AppOption = None,
    scheme: Annotated[Scheme | None, typer.Option("--scheme", help="How it proves itself; default its own.")] = None,
    header: Annotated[str | None, typer.Option("--header", help="generic: where the proof stands.")] = None,
    field: Annotated[
        list[str] | None, typer.Option("--field", help="generic: NAME=POINTER, such as ref=/push/ref; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Create a webhook, and print what to enter at the provider. The secret is shown this once."""
    body: dict[str, Any] = {"provider": provider, "scheme": scheme, "header": header, "fields": _pointers(field)}
    made = connect().post(_path(app_name), {name: value for name, value in body.items() if value is not None})
    _show_secret(made, as_json=as_json)


@app.command()
def rotate(hook: HookArgument = None, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """Replace the secret. The old one is refused from now on; the new one is shown this once."""
    _show_secret(connect().post(f"{_one(app_name, hook)}/rotate"), as_json=as_json)


@app.command("test")
def try_out(hook: HookArgument = None, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """Send a signed ping to ourselves through the public URL; exit code 0 where it arrived."""
    tried = connect().post(f"{_one(app_name, hook)}/test")
    if as_json:
        print_json(tried)
    else:
        print(f"{tried['message']} ({tried['milliseconds']:.0f} ms)")
    if not tried["success"]:
        raise typer.Exit(ExitCode.FAILED)


@app.command()
def delete(
    hook: Annotated[str, typer.Argument(metavar="WEBHOOK", help="Its id.")],
    *,
    app_name: AppOption = None,
    as_json: Json = False,
) -> None:
    """Delete a webhook; what is delivered to its address is refused from now on."""
    done = connect().delete(f"{_path(app_name)}/{segment(hook)}")
    if as_json:
        print_json(done)
    else:
        print(done["message"])


def _path(app_name: str | None) -> str:
    return f"/apps/{segment(app_or_fail(app_name))}/webhooks"


def _one(app_name: str | None, hook: str | None) -> str:
    return f"{_path(app_name)}/{segment(hook)}" if hook else _path(app_name).removesuffix("s")


def _pointers(fields: list[str] | None) -> dict[str, str] | None:
    if not fields:
        return None
    wrong = next((each for each in fields if "=/" not in each), None)
    if wrong is not None:
        raise typer.BadParameter(f"{wrong!r} is not NAME=POINTER; write such as ref=/push/ref.")
    return dict(each.split("=", 1) for each in fields)


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    heard, refused = ago(row["last_delivery"]), str(row["rejected"])
    return row["id"], row["provider"], heard, refused, row["state_message"], row["url"]


def _show_secret(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    print(f"Webhook {made['id']}. Enter at {made['provider']}:")
    for line in made["enter"]:
        print(f"  {line.replace('<secret>', made['secret'] or '<secret>')}")
    print("This secret is not shown again. `slipyard webhooks test` tries the address out.")

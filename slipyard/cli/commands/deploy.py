"""`slipyard deploy`: of a git app, of an image app, or of a directory that is packed and sent."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import Client, connect, segment
from slipyard.cli.env_pairs import parse_pairs
from slipyard.cli.failure import Refused, WrongUsage
from slipyard.cli.options import AppOption, Detach, ForceReason, Json, forced
from slipyard.cli.pack.archive import MEDIA_TYPE, choose, packed
from slipyard.cli.pack.docker_files import wanted_by_build
from slipyard.cli.pack.git_files import visible_files
from slipyard.cli.progress.watch import watch_action, watch_newest

app = typer.Typer()
_NOT_FOUND = "not_found"


@app.command()
def deploy(
    target: Annotated[
        str | None, typer.Argument(metavar="APP|DIRECTORY", help="An app, or a directory to send, such as `.`")
    ] = None,
    *,
    app_name: AppOption = None,
    image: Annotated[str | None, typer.Option("--image", help="Deploy this image.")] = None,
    ref: Annotated[str | None, typer.Option("--ref", help="Branch or tag instead of the app's own.")] = None,
    commit: Annotated[str | None, typer.Option("--commit", help="Full commit id.")] = None,
    env: Annotated[list[str] | None, typer.Option("--env", "-e", help="NAME=VALUE, for this release only.")] = None,
    replicas: Annotated[int | None, typer.Option("--replicas", min=0, max=100, help="For this release only.")] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Build everything anew.")] = False,
    title: Annotated[str, typer.Option("--title", "-m", help="What this deployment is about.")] = "",
    force: ForceReason = None,
    detach: Detach = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Alone with an app: only follow what is under way there.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Deploy an app and follow until it is live: exit code 0 when it is, 1 when it failed.

    `slipyard deploy --follow APP` deploys nothing: it attaches to what is under way, or shows how the last one ended.

    An app of a git repository builds the head of its branch, an image app resolves its tag again, and a directory
    (`slipyard deploy .`) is sent without what .gitignore and .dockerignore list.
    """
    options = {"image": image, "ref": ref, "commit": commit, "replicas": replicas}
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if env:
        given["env_vars"] = parse_pairs(env)
    given |= forced(force)
    client = connect()
    if follow and not (given or no_cache or title or detach) and not (target and _is_directory(target)):
        watch_newest(client, app_or_fail(target or app_name), as_json=as_json)
        return
    if target is not None and _is_directory(target):
        if given or no_cache:
            raise WrongUsage("A directory is built as it is: leave out --image, --ref, --commit, --env and --no-cache.")
        name = app_or_fail(app_name, Path(target))
        action = _send(client, name, Path(target), title)
    else:
        name = app_or_fail(target or app_name)
        action = _ask(client, name, {**given, "no_cache": no_cache, "title": title})
    watch_action(client, name, action, follow=not detach, as_json=as_json)


def _is_directory(target: str) -> bool:
    """An app's name has neither a dot nor a slash."""
    if "." not in target and "/" not in target:
        return False
    if not Path(target).is_dir():
        raise WrongUsage(f"{target} is not a directory. Name an app, or a directory to send, such as `.`")
    return True


def _ask(client: Client, name: str, body: dict[str, Any]) -> Any:
    """An image for an image app is its source from now on; for others it is this release only."""
    path = f"/apps/{segment(name)}"
    if (
        "image" in body
        and client.get(path)["source"]["type"] == "image"
        and set(body) <= {"image", "no_cache", "title"}
    ):
        return client.post(f"{path}/deploy/image", {"image_uri": body["image"], "title": body["title"]})
    return client.post(f"{path}/deploy", body)


def _send(client: Client, name: str, directory: Path, title: str) -> Any:
    source = _source(client, name)
    whole_tree = not source.get("subdirectory")  # the rules of a subdirectory are the builder's to apply
    paths = visible_files(directory)
    chosen = choose(directory, wanted_by_build(directory, paths, source.get("dockerfile")) if whole_tree else paths)
    for path in chosen.left_out:
        print(f"slipyard: left out {path}, which leads out of the directory or is no file", file=sys.stderr)
    if not chosen.entries:
        raise WrongUsage(f"There is nothing to send in {directory.resolve()}: it is empty, or all of it is ignored.")
    content = packed(directory, chosen.entries)
    return client.upload(f"/apps/{segment(name)}/build", content, MEDIA_TYPE, title=title or None)


def _source(client: Client, name: str) -> dict[str, Any]:
    """An app that is not there yet is made: the first deploy of a directory needs nothing before it."""
    try:
        found = client.get(f"/apps/{segment(name)}")
    except Refused as error:
        if error.code != _NOT_FOUND:
            raise
        body = {"name": name, "source": {"type": "upload"}, "deploy": False}
        found = client.post("/apps", body)
        print(f"Made the app {found['slug']}.", file=sys.stderr)
    source: dict[str, Any] = found["source"]
    return source

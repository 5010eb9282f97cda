"""`slipyard apps list|show|create|delete`."""

import sys
from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.commands.app_protection import protect
from slipyard.cli.commands.app_rollout import rollout
from slipyard.cli.env_pairs import parse_pairs
from slipyard.cli.failure import WrongUsage
from slipyard.cli.options import AppArgument, Detach, Json, Limit
from slipyard.cli.output import Cell, ago, print_fields, print_json, print_table, styled_status
from slipyard.cli.progress.watch import watch_deployment

app = typer.Typer(no_args_is_help=True, help="List, show, create and delete apps.")
app.command("rollout")(rollout)
app.command("protect")(protect)


@app.command("list")
def list_apps(
    *,
    status: Annotated[str | None, typer.Option("--status", help="Only these.")] = None,
    search: Annotated[str | None, typer.Option("--search", help="In name and description.")] = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List apps, newest first."""
    page = connect().get("/apps", status=status, search=search, limit=limit)
    if as_json:
        print_json(page)
        return
    if not page["apps"]:
        print("No apps. Make one with `slipyard apps create NAME`, or push to a new git remote.")
        return
    print_table(("APP", "STATUS", "INSTANCES", "SOURCE", "URL", "DEPLOYED"), map(_row, page["apps"]))
    if page["has_more"]:
        print(f"{len(page['apps'])} of {page['total']}; --search finds others.", file=sys.stderr)


@app.command()
def show(name: AppArgument = None, *, as_json: Json = False) -> None:
    """Show an app: what it is told to be, and what it is now."""
    found = connect().get(f"/apps/{segment(app_or_fail(name))}")
    if as_json:
        print_json(found)
    else:
        print_fields(_fields(found))


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is called; its host name is made of it.")],
    *,
    git: Annotated[str | None, typer.Option("--git", help="https or ssh URL of a repository.")] = None,
    branch: Annotated[str | None, typer.Option("--branch", help="Its branch; default main.")] = None,
    credential: Annotated[str | None, typer.Option("--credential", help="For --git: a git credential.")] = None,
    image: Annotated[str | None, typer.Option("--image", help="An image built elsewhere.")] = None,
    upload: Annotated[bool, typer.Option("--upload", help="Source comes by `slipyard deploy DIRECTORY`.")] = False,
    dockerfile: Annotated[str | None, typer.Option("--dockerfile", help="Its path in the tree.")] = None,
    subdirectory: Annotated[str | None, typer.Option("--subdirectory", help="Build from this directory.")] = None,
    compose: Annotated[str | None, typer.Option("--compose", help="A compose file that says its services.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Where the app listens.")] = None,
    replicas: Annotated[int | None, typer.Option("--replicas", min=1, max=100, help="How many instances.")] = None,
    env: Annotated[list[str] | None, typer.Option("--env", "-e", help="NAME=VALUE, NAME=@file or NAME=-.")] = None,
    description: Annotated[str | None, typer.Option("--description", help="For people.")] = None,
    template: Annotated[
        str | None, typer.Option("--template", help="Begin with its files; see `slipyard templates`.")
    ] = None,
    plan: Annotated[str | None, typer.Option("--plan", help="What it may use at the most.")] = None,
    no_deploy: Annotated[bool, typer.Option("--no-deploy", help="Make it, do not deploy it yet.")] = False,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Create an app from a git repository, an image, uploads, or, without any of them, its own git remote.

    An app with an image or a repository is deployed at once, and followed until it is live.
    """
    source = _source(git=git, branch=branch, image=image, upload=upload)
    paths = {"dockerfile": dockerfile, "subdirectory": subdirectory, "compose": compose}
    source |= {key: value for key, value in paths.items() if value}
    body: dict[str, Any] = {"name": name, "source": source, "port": port, "replicas": replicas}
    body |= {"env_vars": parse_pairs(env or []), "description": description, "plan": plan, "template_id": template}
    body |= {"deploy": False if no_deploy else None}
    client = connect()
    if credential is not None:
        source["credential_id"] = client.get(f"/git-credentials/{segment(credential)}")["id"]
    made = client.post("/apps", {key: value for key, value in body.items() if value is not None})
    deployments = client.get(f"/apps/{segment(made['id'])}/deployments", limit=1)["deployments"]
    print(_made(made), file=sys.stderr if as_json else sys.stdout)
    if deployments and not detach:
        watch_deployment(client, made["slug"], deployments[0]["id"], as_json=as_json)
    elif as_json:
        print_json(made)


@app.command("set")
def change(
    name: AppArgument = None,
    *,
    git: Annotated[str | None, typer.Option("--git", help="https or ssh URL of a repository.")] = None,
    own_remote: Annotated[bool, typer.Option("--own-remote", help="Source comes by `git push` to Slipyard.")] = False,
    image: Annotated[str | None, typer.Option("--image", help="An image built elsewhere.")] = None,
    branch: Annotated[str | None, typer.Option("--branch", help="The branch that is deployed.")] = None,
    compose: Annotated[str | None, typer.Option("--compose", help="A compose file; none for none.")] = None,
    credential: Annotated[str | None, typer.Option("--credential", help="A git credential; none for none.")] = None,
    auto_deploy: Annotated[bool | None, typer.Option(help="Whether pushes and polling deploy.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Where the app listens.")] = None,
    replicas: Annotated[int | None, typer.Option("--replicas", min=0, max=100, help="How many instances.")] = None,
    as_json: Json = False,
) -> None:
    """Change what an app is told to be; it takes effect with the next deployment."""
    client = connect()
    source = _changed_source(git=git, own_remote=own_remote, image=image)
    source |= {"branch": branch} if branch else {}
    source |= {"compose": None if compose == "none" else compose} if compose else {}
    if credential is not None:
        found = None if credential == "none" else client.get(f"/git-credentials/{segment(credential)}")["id"]
        source["credential_id"] = found
    given = {"source": source or None, "auto_deploy": auto_deploy, "port": port, "replicas": replicas}
    body = {key: value for key, value in given.items() if value is not None}
    if not body:
        raise WrongUsage("Nothing to change was named. `slipyard apps set --help` lists what can be.")
    changed = client.patch(f"/apps/{segment(app_or_fail(name))}", body)
    if as_json:
        print_json(changed)
        return
    print(f"Changed {changed['slug']}. `slipyard deploy {changed['slug']}` puts it into effect.")
    if changed.get("git_access_error"):
        print(changed["git_access_error"])


@app.command()
def delete(
    name: Annotated[str, typer.Argument(help="Name or id of the app.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return when everything of it is gone.")] = False,
    volumes: Annotated[
        list[str] | None,
        typer.Option("--volumes", metavar="VOLUME", help="This volume too, with its data; repeatable."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Delete an app with its containers, routes, images and settings. Volumes stay, unless they are named."""
    client = connect()
    found = client.get(f"/apps/{segment(name)}")
    if not yes:
        _ask(found["slug"])
    answer = client.delete(f"/apps/{segment(found['id'])}", wait="true" if wait else None, volumes=volumes)
    answer = answer or {"success": True, "message": f"{found['slug']} is deleted."}
    if as_json:
        print_json(answer)
    else:
        print(answer["message"])


def _row(found: dict[str, Any]) -> tuple[Cell, ...]:
    instances = f"{found['running_instances']}/{found['replicas']}"
    status = styled_status(found["status"])
    return found["slug"], status, instances, _where_from(found), found["url"], ago(found["last_deployed_at"])


def _fields(found: dict[str, Any]) -> list[tuple[str, Cell]]:
    return [
        ("App", found["slug"]),
        ("Id", found["id"]),
        ("Status", styled_status(found["status"])),
        ("", found["status_message"]),
        ("Lock", _lock(found.get("lock"))),
        ("Maintenance", "on" if found.get("maintenance", {}).get("enabled") else None),
        ("URL", found["url"] or found["default_url"]),
        ("Source", _where_from(found)),
        ("Git remote", found.get("git_url")),
        ("Git access", _access(found)),
        ("Polled", _polled(found.get("poll"))),
        ("Image", found["active_image"]),
        ("Instances", f"{found['running_instances']} of {found['replicas']} serve"),
        ("Plan", found.get("plan_name")),
        ("Limits", _limits(found.get("resources"))),
        ("Deployed", ago(found["last_deployed_at"])),
        ("Last error", found["last_error"]),
    ]


def _limits(resources: dict[str, Any] | None) -> str | None:
    return None if resources is None else f"{resources['cpu']} cores and {resources['memory']} an instance"


def _access(found: dict[str, Any]) -> str | None:
    """None where nothing is to be said: there is no repository elsewhere, or nobody tried yet."""
    return found.get("git_access_error") or ("ok" if found.get("has_git_access") else None)


def _lock(lock: dict[str, Any] | None) -> str | None:
    return None if lock is None else f"by {lock['by']}, {ago(lock['since'])}: {lock['reason'] or 'no reason given'}"


def _polled(poll: dict[str, Any] | None) -> str | None:
    if poll is None:
        return None
    how = f"failed {poll['failures']} times: {poll['error']}" if poll["error"] else f"saw {(poll['seen'] or '-')[:19]}"
    return f"{ago(poll['looked_at'])}, {how}"


def _where_from(found: dict[str, Any]) -> str:
    source = found["source"]
    if source["type"] == "image":
        return str(source["image"] or "image")
    if source["type"] == "upload":
        return "upload"
    return f"{source['repo_url']}#{source['branch']}" if source["repo_url"] else f"own remote#{source['branch']}"


def _source(*, git: str | None, branch: str | None, image: str | None, upload: bool) -> dict[str, Any]:
    if sum((git is not None, image is not None, upload)) > 1:
        raise WrongUsage("An app has one source: give --git, --image or --upload, not several.")
    if image is not None:
        return {"type": "image", "image": image}
    if upload:
        return {"type": "upload"}
    source: dict[str, Any] = {"type": "git"}
    return source | ({"repo_url": git} if git else {}) | ({"branch": branch} if branch else {})


def _changed_source(*, git: str | None, own_remote: bool, image: str | None) -> dict[str, Any]:
    if sum((git is not None, own_remote, image is not None)) > 1:
        raise WrongUsage("An app has one source: give --git, --own-remote or --image, not several.")
    if own_remote:
        return {"type": "git", "repo_url": None, "image": None}
    if git is not None:
        return {"type": "git", "repo_url": git, "image": None}
    return {"type": "image", "image": image, "repo_url": None} if image is not None else {}


def _made(made: dict[str, Any]) -> str:
    if made.get("git_url"):
        return f"Made {made['slug']}. Deploy it with `git push {made['git_url']} {made['source']['branch']}`."
    if made["source"]["type"] == "upload":
        return f"Made {made['slug']}. Deploy a directory with `slipyard deploy . --app {made['slug']}`."
    return f"Made {made['slug']}."


def _ask(slug: str) -> None:
    if not sys.stdin.isatty():
        raise WrongUsage("Deleting an app cannot be undone, and nobody is there to confirm. Add --yes.")
    if input(f"This deletes {slug} for good. Type its name to go on: ").strip() != slug:
        raise typer.Exit(1)

"""`slipyard services`: processes of an app's own image, and others beside them, such as a database."""

from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.changed_services import conclude
from slipyard.cli.client import connect, segment
from slipyard.cli.env_pairs import parse_pairs
from slipyard.cli.failure import WrongUsage
from slipyard.cli.options import AppArgument, Detach, Json, NoDeploy
from slipyard.cli.output import Cell, print_json, print_table, styled_status

app = typer.Typer(no_args_is_help=True, help="Services of an app: its processes, and images beside its own.")
Name = Annotated[str, typer.Argument(metavar="APP", help="Name or id of the app.")]
Service = Annotated[str, typer.Argument(metavar="SERVICE", help="Name of the service: worker.")]
Image = Annotated[str | None, typer.Option("--image", help="An image of its own, as in redis:7.")]
Line = Annotated[str | None, typer.Option("--command", help="A line for the shell, as in a Procfile.")]
Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Where it listens.")]
Replicas = Annotated[int | None, typer.Option("--replicas", min=0, help="How many of it run.")]
Cpu = Annotated[str | None, typer.Option("--cpu", help="Cores, as in 500m or 2.")]
Memory = Annotated[str | None, typer.Option("--memory", help="As in 256Mi.")]
Env = Annotated[list[str] | None, typer.Option("--env", "-e", metavar="NAME=VALUE", help="For it alone; repeatable.")]
After = Annotated[
    list[str] | None,
    typer.Option("--after", metavar="SERVICE[:CONDITION]", help="What it waits for: healthy, started or completed."),
]
Grace = Annotated[float | None, typer.Option("--stop-grace", min=0, help="Seconds to end in by itself.")]
Once = Annotated[bool | None, typer.Option("--once/--no-once", help="Runs to its end in each deployment.")]


@app.command("list")
def list_services(name: AppArgument = None, *, as_json: Json = False) -> None:
    """List the services of what is live: slipyard services list shop."""
    found = connect().get(f"/apps/{segment(app_or_fail(name))}/services")
    if as_json:
        print_json(found)
    elif not found["services"]:
        print("No services yet: they come with the first deployment.")
    else:
        columns = ("SERVICE", "STATE", "RUNNING", "PORT", "CPU", "MEMORY", "IMAGE", "COMMAND")
        print_table(columns, map(_row, found["services"]))


@app.command()
def add(
    name: Name,
    service: Service,
    *,
    image: Image = None,
    command: Line = None,
    port: Port = None,
    replicas: Replicas = None,
    cpu: Cpu = None,
    memory: Memory = None,
    env: Env = None,
    after: After = None,
    stop_grace: Grace = None,
    once: Once = None,
    no_deploy: NoDeploy = False,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Add a service: slipyard services add shop cache --image redis:7."""
    body = _body(image, command, port, replicas, cpu, memory, env, after, stop_grace, once)
    client = connect()
    made = client.post(f"/apps/{segment(name)}/services", {"name": service, **body}, deploy=str(not no_deploy).lower())
    conclude(client, name, made, detach=detach, as_json=as_json)


@app.command("set")
def set_service(
    name: Name,
    service: Service,
    *,
    image: Image = None,
    command: Line = None,
    port: Port = None,
    replicas: Replicas = None,
    cpu: Cpu = None,
    memory: Memory = None,
    env: Env = None,
    after: After = None,
    stop_grace: Grace = None,
    once: Once = None,
    no_deploy: NoDeploy = False,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Change a service; all others run on: slipyard services set shop cache --memory 1Gi."""
    body = _body(image, command, port, replicas, cpu, memory, env, after, stop_grace, once)
    if not body:
        raise WrongUsage("Say what to change, for example `--memory 1Gi`.")
    client = connect()
    changed = client.patch(_path(name, service), body, deploy=str(not no_deploy).lower())
    conclude(client, name, changed, detach=detach, as_json=as_json)


@app.command()
def remove(name: Name, service: Service, *, detach: Detach = False, as_json: Json = False) -> None:
    """Remove a service that was added; its volumes stay: slipyard services remove shop cache."""
    client = connect()
    conclude(client, name, client.delete(_path(name, service)), detach=detach, as_json=as_json)


def _body(
    image: str | None,
    command: str | None,
    port: int | None,
    replicas: int | None,
    cpu: str | None,
    memory: str | None,
    env: list[str] | None,
    after: list[str] | None,
    stop_grace: float | None,
    once: bool | None,
) -> dict[str, Any]:
    limits = {name: value for name, value in (("cpu", cpu), ("memory", memory)) if value is not None}
    given = {
        "image": image,
        "command": command,
        "port": port,
        "replicas": replicas,
        "resources": limits or None,
        "env": parse_pairs(env) if env else None,
        "depends_on": [_dependency(word) for word in after] if after else None,
        "stop_grace_seconds": stop_grace,
        "one_shot": once,
    }
    return {name: value for name, value in given.items() if value is not None}


def _dependency(word: str) -> dict[str, str]:
    service, _, condition = word.partition(":")
    return {"service": service, "condition": condition or "healthy"}


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    limits, command = row["resources"], " ".join(row["command"] or ()).removeprefix("/bin/sh -c exec ")
    running = f"{row['running']}/{row['replicas']}"
    port = f"{row['port']}{' (public)' if row['public'] else ''}" if row["port"] else "-"
    return (
        row["name"],
        styled_status(row["status"]),
        running,
        port,
        limits["cpu"],
        limits["memory"],
        row["image"],
        command,
    )


def _path(app_name: str, service: str) -> str:
    return f"/apps/{segment(app_name)}/services/{segment(service)}"

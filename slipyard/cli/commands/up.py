"""`slipyard up` and `slipyard part`."""

import os
import pkgutil
from typing import Annotated

import typer

from slipyard.cli.up.bare import become
from slipyard.domain.settings import read_settings

up_app = typer.Typer()
part_app = typer.Typer()


@up_app.command()
def start(
    *,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when everything is ready.")] = False,
    public: Annotated[bool, typer.Option("--public", help="Apps answer at ports 80 and 443.")] = False,
) -> None:
    """Start Slipyard on this machine: redis, registry, Caddy, and its own parts.

    In the foreground until Ctrl-C; with --detach as a daemon, whose log is logs/slipyard.log in the data directory.
    """
    export_settings(public=public)
    become("slipyard.cli.up.start:main", *(["--detach"] if detach else []))


def export_settings(*, public: bool) -> None:
    """The parts read settings from the environment: what the command line changed goes there. Wrong ones end here."""
    os.environ["SLIPYARD_HOME"] = str(read_settings().home)
    if public:
        os.environ["SLIPYARD_HTTP_PORT"], os.environ["SLIPYARD_HTTPS_PORT"] = "80", "443"
    read_settings()


@part_app.command()
def part(
    name: Annotated[str, typer.Argument(help="api, build-worker, deploy-worker or controller.")],
) -> None:
    """Run one part in the foreground until SIGTERM, where containers or systemd supervise. Settings: SLIPYARD_*."""
    pkgutil.resolve_name("slipyard.cli.up.part:run_part")(name, read_settings())

"""`slipyard up` and `slipyard part`."""

from typing import Annotated

import typer

from slipyard.cli.up.daemon import daemonise
from slipyard.cli.up.part import run_part
from slipyard.cli.up.report import Report
from slipyard.cli.up.run import export_settings, up
from slipyard.domain.layout import Layout
from slipyard.domain.settings import Settings

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
    settings = export_settings(Settings(), public=public)
    log = Layout(settings.home).logs / "slipyard.log"
    if detach:
        raise typer.Exit(daemonise(lambda report: up(settings, report, log), log))
    raise typer.Exit(up(settings, Report(), None))


@part_app.command()
def part(
    name: Annotated[str, typer.Argument(help="api, build-worker, deploy-worker or controller.")],
) -> None:
    """Run one part in the foreground until SIGTERM, where containers or systemd supervise. Settings: SLIPYARD_*."""
    run_part(name, Settings())

"""`slipyard`: turns errors into sentences and exit codes, and finds the file of each command."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from slipyard import __version__
from slipyard.cli.exit_codes import ExitCode
from slipyard.cli.failure import CommandError
from slipyard.cli.lazy_group import Entry, LazyGroup
from slipyard.cli.output import print_error
from slipyard.domain.errors import SlipyardError, UserError

_APPS, _WORK, _SERVER = "Apps", "Builds and deployments", "Server and account"
_COMMANDS = "slipyard.cli.commands"


class _Commands(LazyGroup):
    entries = {  # noqa: RUF012 - a table
        "apps": Entry(f"{_COMMANDS}.apps:app", "List, show, create and delete apps.", _APPS),
        "domains": Entry(f"{_COMMANDS}.domains:app", "Names of its own that an app answers at.", _APPS),
        "volumes": Entry(f"{_COMMANDS}.volumes:app", "Data that outlives containers, and its backups.", _APPS),
        "services": Entry(f"{_COMMANDS}.services:app", "Processes of an app, and images beside its own.", _APPS),
        "rules": Entry(f"{_COMMANDS}.rules:app", "Who may come in, how much, and what is changed.", _APPS),
        "route": Entry(f"{_COMMANDS}.route:app", "Names and rules of an app as YAML: show, edit, apply.", _APPS),
        "certificates": Entry(f"{_COMMANDS}.certificates:app", "List, bring and remove certificates.", _APPS),
        "backup-targets": Entry(f"{_COMMANDS}.backup_targets:app", "Places where backups of volumes go.", _SERVER),
        "env": Entry(f"{_COMMANDS}.env:app", "List, set, import and export environment variables.", _APPS),
        "config": Entry(f"{_COMMANDS}.config:app", "What is in force, and its versions: diff, restore.", _APPS),
        "secrets": Entry(f"{_COMMANDS}.secrets:app", "List, set and unset secrets of an app.", _APPS),
        "open": Entry(f"{_COMMANDS}.open_app:app", "Open an app in the browser.", _APPS),
        "logs": Entry(f"{_COMMANDS}.logs:app", "Show what an app writes; -f follows.", _APPS),
        "events": Entry(f"{_COMMANDS}.events:app", "Show what happened to an app, and why; -f follows.", _APPS),
        "ps": Entry(f"{_COMMANDS}.ps:app", "Show the instances of an app: state, health, since when.", _APPS),
        "metrics": Entry(f"{_COMMANDS}.metrics:app", "Show what an app uses, beside its limits.", _APPS),
        "top": Entry(f"{_COMMANDS}.metrics:top_app", "Show what all apps use now.", _APPS),
        "alerts": Entry(f"{_COMMANDS}.alerts:app", "Warn of use, errors, crashes and failures.", _APPS),
        "start": Entry(f"{_COMMANDS}.run_state:start_app", "Start a stopped or sleeping app.", _APPS),
        "stop": Entry(f"{_COMMANDS}.run_state:stop_app", "Stop an app; it stays defined.", _APPS),
        "sleep": Entry(f"{_COMMANDS}.sleep:app", "Let an app sleep while nobody asks for it.", _APPS),
        "autoscale": Entry(f"{_COMMANDS}.autoscale:app", "Scale an app by its load: show, set, off.", _APPS),
        "restart": Entry(f"{_COMMANDS}.run_state:restart_app", "Restart an app without dropping a request.", _APPS),
        "run": Entry(f"{_COMMANDS}.run:run_app", "Run a command in the release that is live.", _APPS),
        "exec": Entry(f"{_COMMANDS}.run:exec_app", "Run a command beside what runs in an instance.", _APPS),
        "shell": Entry(f"{_COMMANDS}.run:shell_app", "Open a shell in an instance.", _APPS),
        "cp": Entry(f"{_COMMANDS}.cp:app", "Copy files into an instance and out of it.", _APPS),
        "deploy": Entry(f"{_COMMANDS}.deploy:app", "Deploy an app, an image or this directory.", _WORK),
        "builds": Entry(f"{_COMMANDS}.builds:app", "List, show and cancel builds; read their logs.", _WORK),
        "deployments": Entry(f"{_COMMANDS}.deployments:app", "Show the history of an app.", _WORK),
        "releases": Entry(f"{_COMMANDS}.releases:app", "Show what was deployed, and where it comes from.", _WORK),
        "deliveries": Entry(f"{_COMMANDS}.deliveries:app", "Show what webhooks delivered, and why; replay it.", _WORK),
        "webhooks": Entry(f"{_COMMANDS}.webhooks:app", "List, create, try out and delete webhooks.", _WORK),
        "previews": Entry(f"{_COMMANDS}.previews:app", "Show requests and branches as apps of their own.", _WORK),
        "ci-trust": Entry(f"{_COMMANDS}.ci_trust:app", "Let CI jobs deploy without a stored secret.", _WORK),
        "rollback": Entry(f"{_COMMANDS}.rollback:app", "Go back to an earlier deployment.", _WORK),
        "queue": Entry(f"{_COMMANDS}.queue:app", "Show what runs and what waits, and for what.", _WORK),
        "templates": Entry(f"{_COMMANDS}.templates:app", "Show what an app can begin with.", _APPS),
        "schedules": Entry(f"{_COMMANDS}.schedules:app", "Run commands of an app on cron lines.", _WORK),
        "promote": Entry(f"{_COMMANDS}.promote:app", "Deploy what is live in one app to another.", _WORK),
        "lock": Entry(f"{_COMMANDS}.holds:lock_app", "Let deployments of an app wait, with a reason.", _WORK),
        "unlock": Entry(f"{_COMMANDS}.holds:unlock_app", "Let deployments of an app go again.", _WORK),
        "maintenance": Entry(f"{_COMMANDS}.holds:maintenance_app", "Show a page instead of an app: on, off.", _APPS),
        "credentials": Entry(f"{_COMMANDS}.credentials:app", "List, add, test and remove git credentials.", _SERVER),
        "registries": Entry(f"{_COMMANDS}.registries:app", "Keep logins at registries for private images.", _SERVER),
        "up": Entry(f"{_COMMANDS}.up:up_app", "Start Slipyard on this machine.", _SERVER),
        "down": Entry(f"{_COMMANDS}.down:app", "Stop Slipyard; apps go on being served.", _SERVER),
        "system": Entry(f"{_COMMANDS}.system:app", "Show what fills the disk, and make room there.", _SERVER),
        "doctor": Entry(f"{_COMMANDS}.doctor:app", "Check everything that Slipyard stands on.", _SERVER),
        "part": Entry(f"{_COMMANDS}.up:part_app", "Run one part in the foreground, for containers.", _SERVER),
        "mirror": Entry(f"{_COMMANDS}.mirror:app", "Keep base images in the registry, for a buildkitd.", _SERVER),
        "connect": Entry(f"{_COMMANDS}.connect:app", "Store a token for GitHub, GitLab and others.", _SERVER),
        "disconnect": Entry(f"{_COMMANDS}.connect:disconnect_app", "Take back what `connect --app` made.", _SERVER),
        "connections": Entry(f"{_COMMANDS}.connect:list_app", "List and remove connections to code hosts.", _SERVER),
        "notifiers": Entry(f"{_COMMANDS}.notifiers:app", "Tell others of deployments: add, test, remove.", _SERVER),
        "tokens": Entry(f"{_COMMANDS}.tokens:app", "List, make and revoke tokens.", _SERVER),
        "secret-stores": Entry(f"{_COMMANDS}.secret_stores:app", "Read secrets from files, programs, Vault.", _SERVER),
        "drains": Entry(f"{_COMMANDS}.drains:app", "Forward output elsewhere: add, test, remove.", _SERVER),
        "login": Entry(f"{_COMMANDS}.login:app", "Remember a server and a token.", _SERVER),
        "login-link": Entry(f"{_COMMANDS}.login:link_app", "Make a link that signs one browser in, once.", _SERVER),
        "git-credential": Entry(f"{_COMMANDS}.git_credential:app", "Let git push with the stored token.", _SERVER),
    }


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Turns source into running containers, on your own machines.",
    epilog="Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 refused, 4 cannot reach Slipyard, 5 Slipyard's mistake.",
)


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        print(__version__)
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> None:
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """The exit code. Nothing is raised for what a user can cause."""
    as_json = "--json" in arguments
    try:
        app(list(arguments), prog_name="slipyard")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except CommandError as error:
        print_error(error.message, error.details, code=error.code, as_json=as_json)
        return error.exit_code
    except SlipyardError as error:
        print_error(error.message, [f"{at.field}: {at.message}" for at in error.details], error.code, as_json=as_json)
        return ExitCode.REFUSED if isinstance(error, UserError) else ExitCode.SERVER_FAULT
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at its end
        return ExitCode.DONE
    return ExitCode.DONE

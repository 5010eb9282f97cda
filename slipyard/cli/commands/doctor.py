"""`slipyard doctor`."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer

from slipyard.cli.doctor.engines import check_builder, check_engine, check_firewall
from slipyard.cli.doctor.finding import Check, Finding, Subject, fail
from slipyard.cli.doctor.machine import check_clock, check_disk, check_parts, check_ports, check_versions
from slipyard.cli.doctor.memory import memory_shares
from slipyard.cli.doctor.services import check_caddy, check_database, check_redis, check_registry
from slipyard.cli.exit_codes import ExitCode
from slipyard.cli.options import Json
from slipyard.cli.output import print_json, print_table, styled_status
from slipyard.domain.layout import Layout
from slipyard.domain.settings import read_settings

app = typer.Typer()

_CHECKS: tuple[Check, ...] = (
    check_versions,
    check_parts,
    check_engine,
    check_builder,
    check_database,
    check_redis,
    check_registry,
    check_caddy,
    check_ports,
    check_firewall,
    check_disk,
    check_clock,
)
_SECONDS = 20.0
_MIB = 1024 * 1024


@app.command()
def doctor(
    *,
    memory: Annotated[bool, typer.Option("--memory", help="Show how much memory each part takes instead.")] = False,
    as_json: Json = False,
) -> None:
    """Check everything that the installation on this machine stands on; exit code 1 when something fails."""
    settings = read_settings()
    layout = Layout(settings.home)
    if memory:
        _show_memory(layout, as_json=as_json)
        return
    findings = asyncio.run(_look(Subject(settings, layout, _installation_id(layout))))
    _show(findings, as_json=as_json)
    if any(finding.level == "fail" for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


def _installation_id(layout: Layout) -> str | None:
    try:
        return str(json.loads(layout.installation.read_text())["id"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


async def _look(subject: Subject) -> list[Finding]:
    return list(await asyncio.gather(*(_patiently(check, subject) for check in _CHECKS)))


async def _patiently(check: Check, subject: Subject) -> Finding:
    """One check that hangs or breaks must not hide what the others found."""
    name = check.__name__.removeprefix("check_")
    try:
        return await asyncio.wait_for(check(subject), _SECONDS)
    except TimeoutError:
        return fail(name, f"no answer within {_SECONDS:.0f} seconds", "Look at what it says in its log.")
    except Exception as error:  # noqa: BLE001 - a finding like any other
        return fail(
            name, f"it could not be looked at: {type(error).__name__}: {error}", "This is a mistake of Slipyard."
        )


def _show(findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        healthy = all(finding.level != "fail" for finding in findings)
        print_json({"ok": healthy, "findings": [asdict(finding) for finding in findings]})
        return
    rows = [(styled_status(finding.level), finding.name, _sentences(finding)) for finding in findings]
    print_table(("", "CHECK", "FOUND"), rows)


def _sentences(finding: Finding) -> str:
    return f"{finding.message}. {finding.advice}" if finding.advice else finding.message


def _show_memory(layout: Layout, *, as_json: bool) -> None:
    shares = memory_shares(layout)
    total = sum(share.bytes for share in shares)
    if as_json:
        print_json({"total_bytes": total, "parts": [asdict(share) for share in shares]})
        return
    rows = [(share.name, str(share.pid), f"{share.bytes / _MIB:.1f}") for share in shares]
    print_table(("PART", "PID", "PSS MIB"), [*rows, ("all", "", f"{total / _MIB:.1f}")])

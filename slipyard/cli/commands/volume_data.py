"""`slipyard volumes backup|backups|restore|copy|export|import`: what is in a volume goes out and comes back."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from slipyard.cli.amounts import size
from slipyard.cli.client import connect, segment
from slipyard.cli.failure import Failed, WrongUsage
from slipyard.cli.options import Detach, Json
from slipyard.cli.output import Cell, print_json, print_table

Name = Annotated[str, typer.Argument(metavar="APP", help="Name or id of the app.")]
VolumeName = Annotated[str, typer.Argument(metavar="VOLUME", help="Name or id of the volume.")]
Pause = Annotated[bool, typer.Option("--pause", help="The app stands still meanwhile; requests wait.")]
Encrypt = Annotated[bool | None, typer.Option("--encrypt/--no-encrypt", help="Sealed with this installation's key.")]
Verify = Annotated[bool | None, typer.Option("--verify/--no-verify", help="Restored on trial and compared.")]
Target = Annotated[str | None, typer.Option("--to", metavar="PLACE", help="`here`, or a name of `backup-targets`.")]
Before = Annotated[str | None, typer.Option("--before", help="Runs in the app first: pg_dump -f /data/dump.sql shop.")]
After = Annotated[str | None, typer.Option("--after", help="Runs there afterwards.")]
_PIECE = 256 * 1024
_LOOK_SECONDS = 0.3


def backup(
    name: Name,
    volume: VolumeName,
    *,
    to: Target = None,
    encrypt: Encrypt = None,
    verify: Verify = None,
    pause: Pause = False,
    before: Before = None,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Back a volume up now: slipyard volumes backup shop data --to offsite. Exit code 1 where that fails."""
    client = connect()
    body = {"target": to, "encrypt": encrypt, "verify": verify, "pause": pause or None, "before": before}
    row = client.post(f"{_path(name, volume)}/backups", body)
    while not detach and row["ended_at"] is None:
        time.sleep(_LOOK_SECONDS)
        row = client.get(f"{_path(name, volume)}/backups/{row['id']}")
    if as_json:
        print_json(row)
    elif row["status"] != "failed":
        checked = ", restored on trial and found the same" if row["verified_at"] else ""
        print(
            f"Backup {row['number']} of {row['volume']} {_stands(row)} at {row['target']}: {size(row['stored_bytes'])}{checked}."
        )
    if row["status"] == "failed":
        raise Failed(f"Backup {row['number']} failed. {row['reason']}", code="backup_failed")


def backups(name: Name, volume: VolumeName, *, as_json: Json = False) -> None:
    """List the backups of a volume."""
    found = connect().get(f"{_path(name, volume)}/backups")
    if as_json:
        print_json(found)
    elif not found["backups"]:
        print(f"No backups. Make one with `slipyard volumes backup {name} {volume}`.")
    else:
        print_table(("BACKUP", "STATUS", "AT", "BYTES", "CHECKED", "WHEN", "ID"), map(_row, found["backups"]))


def backup_rules(
    name: Name,
    volume: VolumeName,
    *,
    cron: Annotated[str | None, typer.Option("--cron", help="'0 3 * * *'; 'none': only when somebody asks.")] = None,
    time_zone: Annotated[str | None, typer.Option("--time-zone", help="Europe/Berlin.")] = None,
    to: Target = None,
    keep: Annotated[
        str | None, typer.Option("--keep", metavar="RULES", help="last=3,daily=7,weekly=4,monthly=0.")
    ] = None,
    encrypt: Encrypt = None,
    verify: Verify = None,
    pause: Annotated[bool | None, typer.Option("--pause/--no-pause", help="The app stands still meanwhile.")] = None,
    before: Before = None,
    after: After = None,
    as_json: Json = False,
) -> None:
    """Back a volume up by itself: slipyard volumes backup-rules shop data --cron '0 3 * * *' --keep daily=7,weekly=4."""
    told = {"time_zone": time_zone, "target": to, "encrypt": encrypt, "verify": verify, "pause": pause}
    body: dict[str, Any] = {key: value for key, value in told.items() if value is not None}
    commands = {"cron": cron, "before": before, "after": after}
    body |= {key: None if value == "none" else value for key, value in commands.items() if value is not None}
    if keep is not None:
        body["keep"] = {"last": 0, "daily": 0, "weekly": 0, "monthly": 0} | _keep(keep)
    row = connect().patch(f"{_path(name, volume)}/backup-rules", body)
    if as_json:
        print_json(row)
    else:
        when = f"next at {row['next_backup_at']}" if row["next_backup_at"] else "only when somebody asks"
        print(f"{row['name']} is backed up to {row['rules']['target']}, {when}.")


def restore(
    name: Name,
    volume: VolumeName,
    *,
    from_: Annotated[
        str, typer.Option("--from", metavar="BACKUP", help="Number or latest; an id of any other.")
    ] = "latest",
    as_json: Json = False,
) -> None:
    """Restore a volume from a backup, all or nothing: slipyard volumes restore shop data --from 7."""
    _restored(connect().post_patiently(f"{_path(name, volume)}/restore", {"backup": from_}), as_json=as_json)


def copy(
    name: Name,
    volume: VolumeName,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="VOLUME, or APP:VOLUME.")],
    *,
    pause: Pause = False,
    as_json: Json = False,
) -> None:
    """Copy a volume into another one: slipyard volumes copy shop data staging:data."""
    app, colon, there = target.rpartition(":")
    body = {"app": app if colon else None, "volume": there, "pause": pause}
    _restored(connect().post_patiently(f"{_path(name, volume)}/copy", body), as_json=as_json)


def export(
    name: Name,
    volume: VolumeName,
    file: Annotated[Path, typer.Argument(help="Where to; - is standard output.")],
    *,
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Sealed with this installation's key.")] = False,
    pause: Pause = False,
) -> None:
    """Write all that is in a volume into a .tar.zst here."""
    query = {"encrypt": str(encrypt).lower(), "pause": str(pause).lower()}
    with connect().stream(f"{_path(name, volume)}/archive", "application/zstd", {}, **query) as answer:
        if str(file) == "-":
            for piece in answer.iter_raw():
                sys.stdout.buffer.write(piece)
            return
        part = file.with_name(f".{file.name}.part")
        with part.open("wb") as opened:
            for piece in answer.iter_raw():
                opened.write(piece)
        part.replace(file)
    print(f"{file}: {size(file.stat().st_size)}.")


def import_(
    name: Name,
    volume: VolumeName,
    file: Annotated[Path, typer.Argument(help="A .tar, .tar.gz or .tar.zst, sealed or not; - is standard input.")],
    *,
    as_json: Json = False,
) -> None:
    """Put what an archive holds in the place of all that is in a volume: all or nothing."""
    if str(file) != "-" and not file.is_file():
        raise WrongUsage(f"There is no file {file} here.")
    done = connect().upload(f"{_path(name, volume)}/archive", _pieces(file), "application/zstd", method="PUT")
    _restored(done, as_json=as_json)


def _pieces(file: Path) -> Iterator[bytes]:
    if str(file) == "-":
        yield from iter(lambda: sys.stdin.buffer.read(_PIECE), b"")
        return
    with file.open("rb") as opened:
        yield from iter(lambda: opened.read(_PIECE), b"")


def _restored(done: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(done)
    else:
        print(done["message"])


def _keep(text: str) -> dict[str, int]:
    try:
        pairs = [each.split("=") for each in text.split(",")]
        return {name.strip(): int(amount) for name, amount in pairs}
    except ValueError:
        raise WrongUsage(f"{text!r} is no rule; write it as last=3,daily=7,weekly=4.") from None


def _path(name: str, volume: str) -> str:
    return f"/apps/{segment(name)}/volumes/{segment(volume)}"


def _stands(row: dict[str, Any]) -> str:
    return "is made" if row["ended_at"] else "is on its way"


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    status = row["status"] if row["place"] or row["status"] != "succeeded" else "removed"
    checked = "yes" if row["verified_at"] else "no"
    return str(row["number"]), status, row["target"], size(row["stored_bytes"]), checked, row["created_at"], row["id"]

"""`slipyard volumes`: data that outlives containers."""

from typing import Annotated, Any

import typer

from slipyard.cli.amounts import size
from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.commands import volume_data
from slipyard.cli.commands.unseal_backup import unseal
from slipyard.cli.options import AppArgument, Json
from slipyard.cli.output import Cell, print_fields, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Data that outlives containers: volumes of an app, and their backups.")
app.command()(volume_data.backup)
app.command()(volume_data.backups)
app.command("backup-rules")(volume_data.backup_rules)
app.command()(volume_data.restore)
app.command()(volume_data.copy)
app.command()(volume_data.export)
app.command("import")(volume_data.import_)
app.command()(unseal)
Name = Annotated[str, typer.Argument(metavar="APP", help="Name or id of the app.")]
VolumeName = Annotated[str, typer.Argument(metavar="VOLUME", help="Name or id of the volume.")]
Service = Annotated[str | None, typer.Option("--service", help="Which service; default the one that gets requests.")]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="The app cannot write there.")]


@app.command("list")
def list_volumes(
    name: AppArgument = None,
    *,
    left_behind: Annotated[bool, typer.Option("--left-behind", help="Those of deleted apps.")] = False,
    as_json: Json = False,
) -> None:
    """List the volumes of an app."""
    found = connect().get("/volumes" if left_behind else _path(app_or_fail(name)))
    if as_json:
        print_json(found)
    elif not found["volumes"]:
        print(
            "No volumes."
            if left_behind
            else "No volumes. Make one with `slipyard volumes create APP data --path /data`."
        )
    else:
        print_table(("VOLUME", "APP", "MOUNTED", "USED", "SIZE", "LAST BACKUP", "ID"), map(_row, found["volumes"]))


@app.command()
def create(
    name: Name,
    volume: Annotated[str, typer.Argument(metavar="VOLUME", help="What to call it: data.")],
    *,
    path: Annotated[str | None, typer.Option("--path", help="Where the app finds it: /data.")] = None,
    limit: Annotated[str | None, typer.Option("--size", help="As in 10Gi or 500M.")] = None,
    service: Service = None,
    read_only: ReadOnly = False,
    shared: Annotated[bool, typer.Option("--shared", help="Several instances may have it at once.")] = False,
    adopt: Annotated[str | None, typer.Option("--adopt", metavar="ID", help="One that a deleted app left.")] = None,
    as_json: Json = False,
) -> None:
    """Make a volume: slipyard volumes create shop data --path /data --size 10Gi."""
    body = {"name": volume, "path": path, "size": limit, "service": service, "read_only": read_only}
    made = connect().post(_path(name), body | {"exclusive": not shared, "adopt": adopt})
    if as_json:
        print_json(made)
        return
    place = (
        f"It is at {path} from the next deployment on"
        if path
        else f"Attach it: `slipyard volumes attach {name} {volume} /data`"
    )
    how = ", and the old instance ends before the new one starts" if path and made["exclusive"] else ""
    print(f"The volume {made['name']} is made. {place}{how}.")


@app.command()
def show(name: Name, volume: VolumeName, *, as_json: Json = False) -> None:
    """Show a volume: where it is, what is in it, its last backup."""
    row = connect().get(f"{_path(name)}/{segment(volume)}")
    if as_json:
        print_json(row)
        return
    limit = size(row["size_bytes"]) if row["size_bytes"] else "none"
    held = "" if not row["size_bytes"] else " (enforced)" if row["size_enforced"] else " (measured, not enforced)"
    print_fields((
        ("Volume", row["name"]), ("App", row["app"]), ("Id", row["id"]),
        ("Mounted", _mounted(row["live"])), ("Next deployment", _mounted(row["attachments"])),
        ("Used", size(row["used_bytes"])), ("Size", f"{limit}{held}"),
        ("Exclusive", "yes: rolled out by recreate" if row["exclusive"] else "no: instances share it"),
        ("Last backup", row["last_backup_at"]), ("Next backup", row["next_backup_at"]),
    ))  # fmt: skip


@app.command()
def attach(
    name: Name,
    volume: VolumeName,
    path: Annotated[str, typer.Argument(help="Where the app finds it: /data.")],
    *,
    service: Service = None,
    read_only: ReadOnly = False,
    as_json: Json = False,
) -> None:
    """Mount a volume from the next deployment on."""
    body = {"path": path, "service": service, "read_only": read_only}
    row = connect().post(f"{_path(name)}/{segment(volume)}/attach", body)
    _told(row, f"{row['name']} is at {path} from the next deployment on: `slipyard deploy {name}`.", as_json=as_json)


@app.command()
def detach(
    name: Name,
    volume: VolumeName,
    path: Annotated[str | None, typer.Argument(help="Only there; default wherever it is attached.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Mount a volume no more from the next deployment on. Its data stays."""
    row = connect().post(f"{_path(name)}/{segment(volume)}/detach", {"path": path})
    _told(row, f"{row['name']} is let go with the next deployment; its data stays.", as_json=as_json)


@app.command("set")
def set_volume(
    name: Name,
    volume: VolumeName,
    *,
    limit: Annotated[str | None, typer.Option("--size", help="As in 10Gi; 'none' for none.")] = None,
    exclusive: Annotated[bool | None, typer.Option("--exclusive/--shared", help="One instance, or several.")] = None,
    as_json: Json = False,
) -> None:
    """Change the size of a volume, or whether instances share it."""
    body: dict[str, Any] = {} if limit is None else {"size": None if limit == "none" else limit}
    row = connect().patch(
        f"{_path(name)}/{segment(volume)}", body | ({} if exclusive is None else {"exclusive": exclusive})
    )
    _told(row, f"The volume {row['name']} is changed. It counts from the next deployment on.", as_json=as_json)


@app.command()
def remove(name: Name, volume: VolumeName, *, as_json: Json = False) -> None:
    """Remove a volume with its data, for good. Its backups stay."""
    done = connect().delete(f"{_path(name)}/{segment(volume)}")
    if as_json:
        print_json(done)
    else:
        print(done["message"])


def _told(row: dict[str, Any], sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json(row)
    else:
        print(sentence)


def _path(name: str) -> str:
    return f"/apps/{segment(name)}/volumes"


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    limit = size(row["size_bytes"]) if row["size_bytes"] else "-"
    where = "left behind" if row["left_behind"] else _mounted(row["live"])
    return row["name"], row["app"], where, size(row["used_bytes"]), limit, row["last_backup_at"] or "never", row["id"]


def _mounted(places: list[dict[str, Any]]) -> str:
    named = (f"{each['service'] or 'main'}:{each['path']}{' (ro)' if each['read_only'] else ''}" for each in places)
    return ", ".join(named) or "nowhere"

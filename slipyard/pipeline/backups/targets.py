"""Places for backups: made, tried, removed. The secret key of a bucket stays sealed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlmodel import Session, col, select

from slipyard.clients.backup_places.backup_place import BackupPlace
from slipyard.clients.backup_places.bucket import Bucket, bucket_http
from slipyard.clients.backup_places.directory import DirectoryPlace
from slipyard.clients.outside_http import OutsideHttp
from slipyard.domain.actor import Actor
from slipyard.domain.backup import HERE, S3Place, TargetKind
from slipyard.domain.errors import (
    Conflict,
    FieldProblem,
    InsufficientScope,
    SlipyardError,
    Unavailable,
    ValidationFailed,
)
from slipyard.domain.ids import new_id
from slipyard.domain.outside_url import parse_outside_url
from slipyard.pipeline.context import Context
from slipyard.store.queries.backups import find_target, targets_of
from slipyard.store.tables import Backup, BackupTarget, Volume


@dataclass(frozen=True)
class NewTarget:
    """A `directory` of this machine, or a `bucket` with the secret of its access key."""

    name: str
    directory: str | None = None
    bucket: S3Place | None = None
    secret: str | None = field(default=None, repr=False)


async def make_target(context: Context, new: NewTarget, actor: Actor) -> BackupTarget:
    """Only administrators name directories. `Conflict` for a name that is taken, `SourceRefused` for a closed address."""
    _check(context, new, actor)
    row = BackupTarget(
        id=new_id("bkt"),
        organization_id=actor.organization_id,
        name=new.name,
        kind=TargetKind.S3 if new.bucket else TargetKind.DIRECTORY,
        directory=new.directory,
        bucket=new.bucket,
        secret_encrypted=context.cipher.encrypt(new.secret.encode()) if new.secret else None,
        created_at=context.clock.now(),
    )

    def write(session: Session) -> None:
        if new.name == HERE or any(each.name == new.name for each in targets_of(session, actor.organization_id)):
            raise Conflict(f"There is a place for backups {new.name} already. Choose another name.")
        session.add(row)

    await context.database.writing(write)
    return row


async def remove_target(context: Context, named: str, actor: Actor) -> BackupTarget:
    """What lies there stays. `Conflict` while backups that Slipyard knows lie there, or a volume is backed up to it."""

    def remove(session: Session) -> BackupTarget:
        row = _found(session, actor, named)
        there = select(Backup.id).where(Backup.target_id == row.id, col(Backup.place).is_not(None))
        volumes = select(Volume).where(Volume.organization_id == row.organization_id, col(Volume.removed_at).is_(None))
        used = [each.name for each in session.exec(volumes).all() if each.rules.target == row.name]
        if session.exec(there.limit(1)).first() is not None or used:
            raise Conflict(
                f"{row.name} holds backups, or volumes are backed up to it ({', '.join(used) or 'none any more'}). Remove"
                " those first."
            )
        session.delete(row)
        return row

    return await context.database.writing(remove)


async def try_target(context: Context, named: str, actor: Actor) -> str | None:
    """Writes a few bytes, reads them again and removes them; None where that goes, else why not."""
    row = await context.database.reading(lambda session: find_target(session, actor.organization_id, named))
    place, name, content = (
        place_of(context, row),
        f"{context.installation_id}/trial-{new_id('bkt')}",
        b"Slipyard was here.",
    )
    try:
        await place.put(name, _once(content))
        found = b"".join([piece async for piece in place.get(name)])
        await place.delete(name)
    except SlipyardError as error:
        return error.message
    return None if found == content else "What was read is not what was written. Do not use this place."


def place_of(context: Context, row: BackupTarget | None) -> BackupPlace:
    """None: the directory of this installation."""
    if row is None:
        return DirectoryPlace(context.layout.backups, make=True)
    if row.bucket is None:
        return DirectoryPlace(Path(row.directory or "/nowhere"))
    secret = context.cipher.decrypt(row.secret_encrypted or b"").decode()
    return Bucket(row.bucket, secret, bucket_http(OutsideHttp(context.settings.allowed_networks)))


async def place_of_backup(context: Context, row: Backup) -> BackupPlace:
    target = await context.database.reading(
        lambda session: session.get(BackupTarget, row.target_id) if row.target_id else None
    )
    if row.target_id and target is None:
        raise Unavailable(f"The place of backup {row.number} is not known any more. Add it again under its name.")
    return place_of(context, target)


def _check(context: Context, new: NewTarget, actor: Actor) -> None:
    if (new.directory is None) == (new.bucket is None):
        raise ValidationFailed(
            "A place for backups is either a directory or a bucket. Give one of them.",
            details=[FieldProblem("directory", "one of directory and bucket")],
        )
    if new.directory is not None:
        _check_directory(new.directory, actor)
    if new.bucket is not None:
        parse_outside_url(new.bucket.endpoint, context.settings.allowed_networks)
        if not new.secret:
            raise ValidationFailed(
                "A bucket needs the secret of its access key. Send it as secret_access_key.",
                details=[FieldProblem("secret_access_key", "is needed")],
            )


def _check_directory(directory: str, actor: Actor) -> None:
    if not actor.may("admin"):
        raise InsufficientScope(
            "A directory of this machine may be named by administrators alone. Ask one, or use a bucket."
        )
    path = Path(directory)
    if not path.is_absolute() or ".." in path.parts or path == Path("/"):
        raise ValidationFailed(
            f"{directory[:200]} is no absolute path of a directory. Write it as /mnt/backups.",
            details=[FieldProblem("directory", "is an absolute path")],
        )


def _found(session: Session, actor: Actor, named: str) -> BackupTarget:
    row = find_target(session, actor.organization_id, named)
    if row is None:
        raise Conflict(f"{HERE} is the directory of this installation, and stays.")
    return row


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content

"""The schedules that the repository of a release names."""

from sqlmodel import Session

from slipyard.pipeline.context import Context
from slipyard.pipeline.schedules.from_repository import take_schedules
from slipyard.pipeline.schedules.schedules import NewSchedule
from slipyard.store.tables import App, Release


def take_schedules_of(session: Session, context: Context, app: App, release_id: str | None) -> None:
    """In the transaction that makes it live. A preview shows what nobody has merged: it does nothing by itself."""
    if release_id is None or app.parent_id is not None:
        return
    lines = session.get_one(Release, release_id).config.origin.manifest.cron
    named = [
        NewSchedule(line.name, line.schedule, line.command, time_zone=line.time_zone or "UTC", service=line.service)
        for line in lines
    ]
    take_schedules(session, context, app, named)

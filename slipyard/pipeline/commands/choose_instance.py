"""Which instance somebody means."""

from sqlmodel import Session

from slipyard.domain.errors import Conflict
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.store.queries.instances import instances_of
from slipyard.store.tables import App

_FEWEST_DIGITS = 4


def chosen_instance(session: Session, app: App, wanted: str | None) -> str:
    """By id or its end; without one the first that serves, of those with a port where there are any."""
    if app.asleep_since is not None:
        raise Conflict(f"{app.slug} sleeps, and so do its instances. Wake it with `slipyard start {app.slug}`.")
    serving = instances_of(session, app.id, (InstanceStatus.SERVING,))
    if wanted is None:
        if not serving:
            raise Conflict(f"No instance of {app.slug} serves now. `slipyard run` needs none.")
        return next((row for row in serving if row.port is not None), serving[0]).id
    found = [
        row.id for row in instances_of(session, app.id) if row.id.endswith(wanted) and len(wanted) >= _FEWEST_DIGITS
    ]
    if len(found) != 1:
        raise Conflict(
            f"{app.slug} has {'no' if not found else 'more than one'} instance {wanted!r}. Name it by its id."
        )
    return found[0]

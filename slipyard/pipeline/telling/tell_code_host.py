"""What a code host is told of a deployment: a status on its commit, and at GitHub a deployment too."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from slipyard.clients.code_hosts.code_host import State
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.outside.connect import repository_at
from slipyard.pipeline.rollout.holds import REPEATS
from slipyard.pipeline.telling.outbox import Note, write_note
from slipyard.store.queries.connections import connection_for
from slipyard.store.queries.deployments import COMMIT_KNOWN
from slipyard.store.tables import App, Connection, Deployment, Event, Message

_STATES = {
    DeploymentStatus.PENDING: State.PENDING,
    DeploymentStatus.BUILDING: State.PENDING,
    DeploymentStatus.DEPLOYING: State.PENDING,  # a deployment of a branch knows its commit only once it is built
    DeploymentStatus.ACTIVE: State.SUCCESS,
    DeploymentStatus.FAILED: State.FAILURE,
    DeploymentStatus.ROLLED_BACK: State.FAILURE,
    DeploymentStatus.CANCELLED: State.CANCELLED,
}
_GITHUB_STATES = {
    State.PENDING: "in_progress",
    State.SUCCESS: "success",
    State.FAILURE: "failure",
    State.CANCELLED: "error",
    State.SKIPPED: "inactive",
}
_PREFIX = "deployment."
_BY_SOMEBODY = "Cancelled by "


@dataclass(frozen=True)
class _Told:
    app: App
    deployment: Deployment
    connection: Connection
    event: Event
    state: State


def code_host_notes(session: Session, context: Context, app: App, event: Event) -> None:
    state = _state_of(event)
    deployment = session.get(Deployment, str(event.data.get("deployment_id"))) if state else None
    if state is None or deployment is None or deployment.commit is None or deployment.trigger in REPEATS:
        return
    connection = connection_for(session, app)
    if connection is None:
        return
    told = _Told(app, deployment, connection, event, state)
    _write_status(session, context, told, deployment.commit)
    if state is not State.PENDING:
        _close_others(session, context, told)
    if connection.provider == "github":
        _write_deployment(session, context, told)


def _state_of(event: Event) -> State | None:
    if event.kind == COMMIT_KNOWN:
        return State.PENDING
    word = event.kind.removeprefix(_PREFIX)
    if not event.kind.startswith(_PREFIX) or word not in set(DeploymentStatus):
        return None
    state = _STATES.get(DeploymentStatus(word))
    overtaken = state is State.CANCELLED and not event.message.startswith(_BY_SOMEBODY)
    return State.SKIPPED if overtaken else state


def _write_status(session: Session, context: Context, told: _Told, commit: str, instead: str | None = None) -> None:
    """`instead`: another description, for a commit that the deployment has left behind."""
    state = State.SKIPPED if instead else told.state
    payload = {
        "repository": repository_at(told.connection, told.app),
        "commit": commit,
        "state": str(state),
        "context": f"slipyard/{told.app.slug}",
        "description": instead or _description(told),
        "url": _url(context, told),
        "deployment_id": told.deployment.id,
    }
    # Two deployments of one commit share a status at the host, so that the older must not have the last word.
    lane = f"status:{told.connection.id}:{told.app.id}:{commit}"
    key = f"{told.deployment.id}:{state}:{commit}:{told.connection.id}"
    note = Note(key, "status", told.connection.id, lane, payload, told.event.sequence)
    write_note(session, context, told.app, note)


def _description(told: _Told) -> str:
    first = next(iter(told.event.message.splitlines()), "")
    match told.state:
        case State.PENDING:
            return f"Deployment {told.deployment.number} is on its way."
        case State.SUCCESS:
            return f"Deployment {told.deployment.number} is live."
        case State.SKIPPED:
            return f"Not deployed: {first}"
        case _:
            return first


def _url(context: Context, told: _Told) -> str:
    return context.settings.app_url(told.app.host) if told.state is State.SUCCESS else ""


def _close_others(session: Session, context: Context, told: _Told) -> None:
    """A build takes the branch's head of the moment it begins: the commit that was announced may not be the one built."""
    query = select(Message).where(Message.app_id == told.app.id, Message.kind == "status")
    begun = query.where(col(Message.key).startswith(f"{told.deployment.id}:{State.PENDING}:", autoescape=True))
    commit = told.deployment.commit or ""
    for message in session.exec(begun).all():
        if message.payload["commit"] != commit:
            instead = f"Not deployed by itself: {commit[:12]} was the branch's head by then."
            _write_status(session, context, told, message.payload["commit"], instead)


def _write_deployment(session: Session, context: Context, told: _Told) -> None:
    opened = f"{told.deployment.id}:github:{told.connection.id}"
    payload = {
        "repository": repository_at(told.connection, told.app),
        "commit": told.deployment.commit,
        "environment": _environment(told.app),
        "description": _description(told),
        "state": _GITHUB_STATES[told.state],
        "url": _url(context, told),
        "opened": opened,
    }
    # The first of its messages makes the deployment at GitHub; its id is kept there for the others.
    first = told.state is State.PENDING
    key = opened if first else f"{opened}:{told.state}"
    write_note(
        session,
        context,
        told.app,
        Note(key, "github_deployment", told.connection.id, opened, payload, told.event.sequence),
    )


def _environment(app: App) -> str:
    """Each app has its own, since GitHub calls an older deployment of the same environment inactive."""
    return f"preview ({app.slug})" if app.parent_id else f"{app.environment} ({app.slug})"

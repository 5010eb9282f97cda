"""What `connect` made at a code host for an app that is deleted: written into the outbox with the deletion, and taken back
whenever the host answers. Exactly that, and each part only once nobody else needs it."""

from collections.abc import Sequence

from sqlmodel import Session

from slipyard.domain.errors import CodeHostRefused, Unavailable
from slipyard.domain.hook import Installed
from slipyard.pipeline.context import Context
from slipyard.pipeline.outside.connect import code_host_for
from slipyard.pipeline.outside.hand_over_hook import hand_over_hook, heir_of_hooks
from slipyard.pipeline.telling.outbox import Note, write_note
from slipyard.store.queries.git_credentials import apps_using
from slipyard.store.queries.hooks import hooks_of
from slipyard.store.tables import App, Connection, GitCredentialRow, Hook, Message


def disconnect_deleted(session: Session, context: Context, app: App) -> list[str]:
    """What will be taken back, a sentence for each; in the transaction that marks the app."""
    said: list[str] = []
    heir = heir_of_hooks(session, app)
    for hook in hooks_of(session, app.id):
        if heir is not None:
            said.append(hand_over_hook(session, context, hook, app, heir))
        if hook.installed is not None:
            said += _written(session, context, app, hook, hook.installed, stays=heir is not None)
    return said


async def deliver_taking_back(context: Context, message: Message) -> None:
    """Gone already is fine. Also what the host refuses is asked again: the connection may get another token."""
    connection = await context.database.reading(lambda session: session.get(Connection, message.target_id))
    if connection is None:
        return  # nobody can ask any more, and whoever removed it was told
    host, given = code_host_for(context, connection), message.payload
    try:
        if given["hook_id"]:
            await host.delete_hook(given["repository"], given["hook_id"])
        if given["deploy_key_id"]:
            await host.delete_deploy_key(given["repository"], given["deploy_key_id"])
    except CodeHostRefused as error:
        raise Unavailable(error.message) from error
    await context.database.writing(lambda session: _forget(session, given["hook"]))


def _written(session: Session, context: Context, app: App, hook: Hook, made: Installed, *, stays: bool) -> list[str]:
    """`stays`: the webhook itself is another app's now, and what was made for it is noted there as before."""
    users = _other_users(session, app, made)
    key = None if users else made.deploy_key_id
    if users:
        _hand_over(session, made)
    elif stays:
        hook.installed = made.model_copy(update={"deploy_key_id": None, "credential_id": None, "repo_url_before": None})
        session.add(hook)
    leaving = made.model_copy(update={"hook_id": ""}) if stays else made
    if leaving.hook_id or key:
        forgotten = "" if stays else hook.id
        payload = {"hook": forgotten, "repository": made.repository, "hook_id": leaving.hook_id, "deploy_key_id": key}
        name = f"take_back:{hook.id}:{app.id}"
        write_note(session, context, app, Note(name, "take_back", made.connection_id, name, payload))
    return [*_taken(leaving, key), *_left(made, users)]


def _other_users(session: Session, app: App, made: Installed) -> list[str]:
    if made.credential_id is None:
        return []
    return [other.slug for other in apps_using(session, made.credential_id) if other.id != app.id]


def _hand_over(session: Session, made: Installed) -> None:
    """Or the credential would go with the app that it was made for."""
    credential = session.get(GitCredentialRow, made.credential_id)
    if credential is not None:
        credential.app_id = None
        session.add(credential)


def _taken(made: Installed, key: str | None) -> list[str]:
    parts = [f"webhook {made.hook_id}"] if made.hook_id else []
    parts += [f"deploy key {key}"] if key else []
    return [f"The {' and the '.join(parts)} of {made.repository} will be removed there."] if parts else []


def _left(made: Installed, users: Sequence[str]) -> list[str]:
    if not users:
        return []
    return [f"Deploy key {made.deploy_key_id} of {made.repository} stays: {', '.join(users)} is fetched with it."]


def _forget(session: Session, hook_id: str) -> None:
    hook = session.get(Hook, hook_id)
    if hook is not None:
        hook.installed = None
        session.add(hook)

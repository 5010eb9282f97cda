"""What `install` made at a provider is taken back: exactly that, and nothing that somebody else put there."""

from collections.abc import Awaitable
from dataclasses import dataclass, field

from sqlmodel import Session

from slipyard.clients.code_hosts.code_host import CodeHost
from slipyard.domain.actor import Actor
from slipyard.domain.errors import CodeHostRefused, Conflict, SlipyardError, Unavailable
from slipyard.domain.hook import Installed
from slipyard.pipeline.change_app import AppChanges, change_app
from slipyard.pipeline.context import Context
from slipyard.pipeline.outside.connect import code_host_for
from slipyard.pipeline.sources.git_credentials import remove_credential
from slipyard.store.tables import App, Connection, GitCredentialRow, Hook


@dataclass
class _Taking:
    """`left`: what is still at the provider, and only told of where the caller insists."""

    made: Installed
    host: str
    force: bool
    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


async def take_back(context: Context, app: App, hook: Hook, actor: Actor, *, force: bool = False) -> list[str]:
    """What was done, line by line; what is gone already is fine. With `force` what the provider does not let go is left
    there and said; without it, the error says so and nothing is forgotten here."""
    made = hook.installed
    if made is None:
        return []
    connection = await context.database.reading(lambda session: session.get(Connection, made.connection_id))
    taking = _Taking(made, connection.host if connection else "the provider", force)
    await _at_provider(taking, code_host_for(context, connection) if connection else None)
    await _here(context, app, taking, actor)
    return [*taking.done, *(f"Left at {taking.host}: {each}. Remove it there by hand." for each in taking.left)]


async def _at_provider(taking: _Taking, host: CodeHost | None) -> None:
    made, repository = taking.made, taking.made.repository
    if made.hook_id:
        deleting = host.delete_hook(repository, made.hook_id) if host else _unconnected(taking)
        await _delete(taking, f"webhook {made.hook_id} of {repository}", deleting)
    if made.deploy_key_id:
        deleting = host.delete_deploy_key(repository, made.deploy_key_id) if host else _unconnected(taking)
        await _delete(taking, f"deploy key {made.deploy_key_id} of {repository}", deleting)


async def _unconnected(taking: _Taking) -> None:
    raise Conflict(f"There is no connection to {taking.host} any more, so nothing can be taken back there.")


async def _delete(taking: _Taking, what: str, deleting: Awaitable[None]) -> None:
    try:
        await deleting
        taking.done.append(f"Removed {what}.")
    except (Unavailable, CodeHostRefused, Conflict) as error:
        if not taking.force:
            raise _with_advice(error, what) from error
        taking.left.append(what)


def _with_advice(error: SlipyardError, what: str) -> SlipyardError:
    return type(error)(
        f"{error.message} So the {what} is still there. Try again, or use force to forget it here alone."
    )


async def _here(context: Context, app: App, taking: _Taking, actor: Actor) -> None:
    """The app gets back the URL that it had; a credential that other apps use by now stays."""
    made = taking.made
    if made.credential_id is None:
        return
    source = app.config.source
    if source.credential_id == made.credential_id:
        url = made.repo_url_before or source.repo_url
        given = source.model_copy(update={"credential_id": None, "repo_url": url})
        config = app.config.model_copy(update={"source": given})
        await change_app(context, app.id, AppChanges(config=config), actor)
        taking.done.append(f"The source of {app.slug} is {url} again, without its deploy key.")
    if await context.database.reading(lambda session: _is_there(session, made.credential_id)):
        try:
            name = await remove_credential(context, made.credential_id, actor)
            taking.done.append(f"Removed the git credential {name}.")
        except Conflict as error:
            taking.done.append(f"The git credential stays: {error.message}")


def _is_there(session: Session, credential_id: str | None) -> bool:
    return credential_id is not None and session.get(GitCredentialRow, credential_id) is not None

"""A commit's status, and GitHub's deployments."""

from typing import Any, cast

from sqlmodel import Session

from slipyard.clients.code_hosts.code_host import CodeHost, CommitStatus, DeploymentHost, HostedDeployment, State
from slipyard.domain.errors import Conflict
from slipyard.pipeline.context import Context
from slipyard.pipeline.outside.connect import code_host_for
from slipyard.store.queries.messages import message_by_key
from slipyard.store.tables import Connection, Message

_AT_GITHUB = "github_id"


async def deliver_status(context: Context, message: Message) -> None:
    host, given = await _host(context, message), message.payload
    status = CommitStatus(
        given["commit"], State(given["state"]), given["context"], given["description"], given.get("url", "")
    )
    await host.set_status(given["repository"], status)


async def deliver_github_deployment(context: Context, message: Message) -> None:
    """The first message of a deployment makes it at GitHub and keeps its id before it says anything of it."""
    host, given = cast(DeploymentHost, await _host(context, message)), message.payload
    made = await context.database.reading(lambda session: _made(session, given["opened"]))
    if made is None:
        made = await _opened(host, message)
        number = made
        await context.database.writing(lambda session: _keep(session, message, number))
    await host.set_deployment_status(given["repository"], made, given["state"], given["url"], "")


async def _opened(host: DeploymentHost, message: Message) -> str:
    """Another attempt looks first: the one before may have been killed when GitHub had answered and nobody kept the id."""
    given = message.payload
    wanted = HostedDeployment(given["opened"], given["commit"], given["environment"], given["description"])
    may_be_there = message.attempts > 0 or message.key != given["opened"]
    found = await host.find_deployment(given["repository"], wanted) if may_be_there else None
    return found or await host.create_deployment(given["repository"], wanted)


async def _host(context: Context, message: Message) -> CodeHost:
    connection = await context.database.reading(lambda session: session.get(Connection, message.target_id))
    if connection is None:
        raise Conflict("The connection to the code host was removed meanwhile.")
    return code_host_for(context, connection)


def _made(session: Session, opened: str) -> str | None:
    first = message_by_key(session, opened)
    return first.payload.get(_AT_GITHUB) if first else None


def _keep(session: Session, message: Message, made: str) -> None:
    """In the first message of the deployment; where there is none, its commit was known only at its end."""
    row = message_by_key(session, message.payload["opened"]) or session.get_one(Message, message.id)
    payload: dict[str, Any] = {**row.payload, _AT_GITHUB: made}
    row.payload = payload
    session.add(row)

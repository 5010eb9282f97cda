"""Secrets for git hosts, bound to one host each."""

from fastapi import APIRouter
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.views.credential_view import credential_detail, credential_view
from slipyard.domain.schemas.credential_input import CreateGitCredential, RenewGitCredential, TryGitCredential
from slipyard.domain.schemas.credential_output import (
    GitAccessTest,
    GitCredentialDetail,
    GitCredentialList,
    GitCredentialView,
)
from slipyard.domain.schemas.outgoing import Done
from slipyard.pipeline.sources.git_credentials import (
    NewGitCredential,
    Renewed,
    make_credential,
    remove_credential,
    renew_credential,
    try_credential,
)
from slipyard.store.queries.git_credentials import apps_using, find_credential, list_credentials

router = APIRouter(prefix="/git-credentials", tags=["git credentials"], route_class=GuardedRoute)
READ, WRITE = requires("apps:read"), requires("apps:write")


@router.get("", dependencies=[READ])
async def credentials(context: ContextDep, actor: ActorDep) -> GitCredentialList:
    """Those of the organization, by name."""
    rows = await context.database.reading(lambda session: list_credentials(session, actor.organization_id))
    return GitCredentialList(git_credentials=[credential_view(row) for row in rows], total=len(rows))


@router.post("", status_code=201, dependencies=[WRITE])
async def create(body: CreateGitCredential, context: ContextDep, actor: ActorDep) -> GitCredentialView:
    """A token, a name and a password, or a key for ssh. `generate: true` makes the key here and answers its public half."""
    row = await make_credential(context, NewGitCredential(**body.model_dump()), actor)
    return credential_view(row)


@router.get("/{credential}", dependencies=[READ])
async def read(credential: str, context: ContextDep, actor: ActorDep) -> GitCredentialDetail:
    """By id or name, with the apps that use it."""

    def query(session: Session) -> GitCredentialDetail:
        row = find_credential(session, actor.organization_id, credential)
        return credential_detail(row, [app.slug for app in apps_using(session, row.id)])

    return await context.database.reading(query)


@router.patch("/{credential}", dependencies=[WRITE])
async def renew(credential: str, body: RenewGitCredential, context: ContextDep, actor: ActorDep) -> GitCredentialView:
    """Another secret of the same kind, or other keys of the ssh host; the apps that use it go on doing so."""
    return credential_view(await renew_credential(context, credential, Renewed(**body.model_dump()), actor))


@router.delete("/{credential}", dependencies=[WRITE])
async def delete(credential: str, context: ContextDep, actor: ActorDep) -> Done:
    """Refused while an app uses it."""
    name = await remove_credential(context, credential, actor)
    return Done(message=f"The git credential {name} is removed.")


@router.post("/{credential}/test", dependencies=[WRITE])
async def test(credential: str, body: TryGitCredential, context: ContextDep, actor: ActorDep) -> GitAccessTest:
    """Asks the host whether this credential may read the repository."""
    tried = await try_credential(context, credential, body.repo_url, actor)
    return GitAccessTest(success=tried.may_read, message=tried.message, repo_url=body.repo_url, commit=tried.commit)

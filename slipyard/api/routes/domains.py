"""Names of its own that an app answers at."""

from typing import Annotated

from fastapi import APIRouter, Path
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.views.domain_view import domain_views
from slipyard.domain.schemas.domain_shapes import AddDomain, ChangeDomain, DomainList, DomainView
from slipyard.domain.schemas.outgoing import Done
from slipyard.pipeline.context import Context
from slipyard.pipeline.hosts.claim_domain import NewDomain, place
from slipyard.pipeline.hosts.domains import add_domain, change_domain, remove_domain
from slipyard.pipeline.hosts.prove_domains import verify_domain
from slipyard.store.queries.domains import domains_of, find_domain
from slipyard.store.tables import Domain

router = APIRouter(prefix="/apps/{app}/domains", tags=["domains"], route_class=GuardedRoute)
READ, WRITE = requires("apps:read"), requires("apps:write")
Named = Annotated[str, Path(max_length=300, description="Id, or the name where that is enough")]


@router.get("", dependencies=[READ])
async def domains(app: AppDep, context: ContextDep) -> DomainList:
    """By name. The host that Slipyard gave the app is not among them."""

    def query(session: Session) -> DomainList:
        rows = domains_of(session, app.id)
        return DomainList(domains=domain_views(session, context.settings, rows), total=len(rows))

    return await context.database.reading(query)


@router.post("", status_code=201, dependencies=[WRITE])
async def create(body: AddDomain, app: AppDep, context: ContextDep, actor: ActorDep) -> DomainView:
    """The app answers there at once, or once the proof is there. 409 where the name, or this path of it, leads to an app already."""
    return await _view(context, await add_domain(context, app.id, NewDomain(**body.model_dump()), actor))


@router.get("/{domain}", dependencies=[READ])
async def read(domain: Named, app: AppDep, context: ContextDep) -> DomainView:
    """By id or by name."""
    return await _view(context, await context.database.reading(lambda session: find_domain(session, app, domain)))


@router.patch("/{domain}", dependencies=[WRITE])
async def change(domain: Named, body: ChangeDomain, app: AppDep, context: ContextDep, actor: ActorDep) -> DomainView:
    """Path, what the app sees of it, and where visitors are sent. The name stays."""
    given = body.model_dump(exclude_unset=True)
    changes = {name: value for name, value in given.items() if value is not None or name == "redirect_to"}
    return await _view(context, await change_domain(context, app.id, domain, changes, actor))


@router.post("/{domain}/verify", dependencies=[WRITE])
async def verify(domain: Named, app: AppDep, context: ContextDep, actor: ActorDep) -> DomainView:
    """Looks for the proof now instead of in a while; `status` and `proof.last_error` say what came of it."""
    return await _view(context, await verify_domain(context, app.id, domain, actor))


@router.delete("/{domain}", dependencies=[WRITE])
async def delete(domain: Named, app: AppDep, context: ContextDep, actor: ActorDep) -> Done:
    """The name is free for another app."""
    row = await remove_domain(context, app.id, domain, actor)
    return Done(message=f"{app.slug} answers no more at {place(row)}.")


async def _view(context: Context, row: Domain) -> DomainView:
    return (await context.database.reading(lambda session: domain_views(session, context.settings, [row])))[0]

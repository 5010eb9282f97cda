"""The ledger: every delivery with its decision and its reason, and a new attempt at one."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.routes.paging import WindowDep
from slipyard.api.views.delivery_view import delivery_detail, delivery_view
from slipyard.domain.schemas.delivery_output import DeliveryDetail, DeliveryList, Replayed, ReplayedDecision
from slipyard.store.queries.deliveries import DeliveryFilter, caused_by, find_delivery, list_deliveries
from slipyard.webhooks.replay import replay_delivery

router = APIRouter(prefix="/apps/{app}/deliveries", tags=["triggers"], route_class=GuardedRoute)
READ, DEPLOY = requires("apps:read"), requires("apps:deploy")
Verdict = Literal["deployed", "superseded", "skipped", "ignored", "open"]


async def wanted_deliveries(
    verdict: Annotated[Verdict | None, Query(description="open: not decided yet")] = None,
    event: Annotated[str | None, Query(max_length=100, description="As the provider calls it: push")] = None,
    since: Annotated[AwareDatetime | None, Query(description="Received then or later, RFC 3339")] = None,
    hook: Annotated[str | None, Query(max_length=100, description="Id of a webhook")] = None,
) -> DeliveryFilter:
    return DeliveryFilter(verdict, event, since, hook)


@router.get("", dependencies=[READ])
async def deliveries(
    app: AppDep, context: ContextDep, window: WindowDep, wanted: Annotated[DeliveryFilter, Depends(wanted_deliveries)]
) -> DeliveryList:
    """Newest first, each with its verdict for this app and the reason."""

    def query(session: Session) -> DeliveryList:
        rows, total = list_deliveries(session, app.id, window.limit, window.offset, wanted)
        return DeliveryList(deliveries=[delivery_view(row) for row in rows], **window.frame(total, len(rows)))

    return await context.database.reading(query)


@router.get("/{delivery_id}", dependencies=[READ])
async def delivery(app: AppDep, delivery_id: str, context: ContextDep) -> DeliveryDetail:
    """One delivery: headers, body, what was decided for each app, what that caused, and how long it took."""
    return await context.database.reading(
        lambda session: delivery_detail(find_delivery(session, app.id, delivery_id), caused_by(session, delivery_id))
    )


@router.post("/{delivery_id}/replay", status_code=202, dependencies=[DEPLOY])
async def replay(
    app: AppDep,
    delivery_id: str,
    context: ContextDep,
    actor: ActorDep,
    response: Response,
    force: Annotated[bool, Query(description="Deploy what is live already once more")] = False,
) -> Replayed:
    """A new attempt, linked by `replay_of` and decided anew: 202 where something is deployed, else 200 with the reason."""
    done = await replay_delivery(context, app, delivery_id, actor.name, force=force)
    own = next((each for each in done.verdicts if each.app == app.slug), done.verdicts[0])
    response.status_code = 202 if any(each.status == "deployed" for each in done.verdicts) else 200
    return Replayed(
        message=own.message,
        delivery_id=done.delivery_id,
        replay_of=delivery_id,
        deployment_id=own.deployment_id,
        decisions=[ReplayedDecision(**vars(each)) for each in done.verdicts],
    )

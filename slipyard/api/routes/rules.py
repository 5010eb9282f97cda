"""What the router does before an app is asked: as rules, and with the names of the app as one document."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Header, Request, Response
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.domain.errors import SourceRefused
from slipyard.domain.route_document import RulesEntry
from slipyard.domain.schemas.rule_shapes import ChangeRules, RulesView
from slipyard.pipeline.hosts.route_document import replace_route, route_of
from slipyard.pipeline.hosts.route_rules import change_rules, content_etag, rules_etag, shown_rules
from slipyard.store.queries.route_rules import rules_of

router = APIRouter(prefix="/apps/{app}", tags=["domains"], route_class=GuardedRoute)
READ, WRITE = requires("apps:read"), requires("apps:write")
YAML = "application/yaml"
_YAML_BODY = {"required": True, "content": {YAML: {"schema": {"type": "string"}}}}


async def if_match(
    given: Annotated[
        str | None, Header(alias="If-Match", description="The ETag that was read; 412 if it changed since")
    ] = None,
) -> str | None:
    return None if given is None else given.strip().removeprefix("W/")


IfMatch = Annotated[str | None, Depends(if_match)]


@router.get("/rules", dependencies=[READ])
async def rules(app: AppDep, context: ContextDep, response: Response) -> RulesView:
    """Who may come in, how much, and what is changed on the way. Passwords are shown as fingerprints."""

    def query(session: Session) -> RulesEntry:
        return shown_rules(rules_of(session, app.id), context.cipher)

    return _answered(app.id, await context.database.reading(query), response)


@router.patch("/rules", dependencies=[WRITE])
async def change(
    body: Annotated[ChangeRules, Body()],
    app: AppDep,
    context: ContextDep,
    actor: ActorDep,
    version: IfMatch,
    response: Response,
) -> RulesView:
    """In force at once, for every name of the app and for its previews. What is left out stays, null takes away."""
    return _answered(app.id, await change_rules(context, app.id, body, version, actor), response)


@router.get("/route", dependencies=[READ], response_class=Response, responses={200: {"content": {YAML: {}}}})
async def route(app: AppDep, context: ContextDep) -> Response:
    """Names and rules as YAML; the same route is the same bytes, with their ETag."""
    return _document(await context.database.reading(lambda session: route_of(session, context, app)))


@router.put(
    "/route",
    dependencies=[WRITE],
    response_class=Response,
    responses={200: {"content": {YAML: {}}}},
    openapi_extra={"requestBody": _YAML_BODY},
)
async def replace(app: AppDep, request: Request, context: ContextDep, actor: ActorDep, version: IfMatch) -> Response:
    """Replaces names and rules as a whole, or refuses with the line. `If-Match` keeps two editors apart."""
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError:
        raise SourceRefused("The route is not UTF-8. Send it as text, as GET answers it.") from None
    return _document(await replace_route(context, app.id, text, version, actor))


def _answered(app_id: str, shown: RulesEntry, response: Response) -> RulesView:
    response.headers["ETag"] = rules_etag(shown)
    return RulesView(app_id=app_id, rules=shown)


def _document(text: str) -> Response:
    return Response(text, media_type=YAML, headers={"ETag": content_etag(text)})

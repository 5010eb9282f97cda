"""The first page: the apps, whether they serve and where, and what to do next."""

from collections.abc import Sequence
from html import escape

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session

from slipyard.api.access.browser_session import set_session
from slipyard.api.access.dependencies import ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.principals import Principals
from slipyard.api.access.requirement import requires
from slipyard.api.dashboard.page import page
from slipyard.api.views.app_view import app_view, git_url
from slipyard.api.views.surroundings import surroundings
from slipyard.domain.actor import Actor
from slipyard.domain.errors import Unauthorized
from slipyard.domain.schemas.app_output import AppView
from slipyard.pipeline.context import Context
from slipyard.store.queries.app_list import AppFilter, list_apps
from slipyard.store.tokens import use_login_link

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)
_MOST_APPS = 500


@router.get("/", dependencies=[requires("public")])
async def home(request: Request, context: ContextDep) -> Response:
    principals: Principals = request.app.state.principals
    try:
        actor = await principals.of(request)
    except Unauthorized:
        return page("Slipyard", _how_to_get_in())
    return page("Slipyard", _body(await _apps(context, actor), context))


@router.get("/login/{secret}", dependencies=[requires("public")])
async def log_in(secret: str, context: ContextDep) -> Response:
    """Uses the link up and lets this browser in."""
    now = context.clock.now()
    token = await context.database.writing(lambda session: use_login_link(session, secret, now))
    if token is None:
        return page("This link does not work any more", _used_up(), 410)
    answer = RedirectResponse("/", 303)
    set_session(answer, context.cipher, token.id, now, secure=context.settings.api_url.startswith("https://"))
    return answer


async def _apps(context: Context, actor: Actor) -> list[AppView]:
    def query(session: Session) -> list[AppView]:
        apps, _ = list_apps(session, AppFilter(actor.organization_id, sort="name:asc", limit=_MOST_APPS))
        around = surroundings(session, apps)
        return [app_view(app, around[app.id], context.settings) for app in apps]

    return await context.database.reading(query)


def _body(apps: Sequence[AppView], context: Context) -> str:
    items = "".join(_item(app) for app in apps)
    shown = f'<ul class="apps">{items}</ul>' if apps else "<p>There are no apps yet.</p>"
    return f"{shown}{_next(context)}"


def _item(app: AppView) -> str:
    where = f'<a href="{escape(app.url)}">{escape(app.url)}</a>' if app.url else "not deployed yet"
    return (
        f'<li><strong>{escape(app.name)}</strong> <span class="{escape(app.status)}">{escape(app.status)}</span> {where}'
        f'<span class="message">{escape(app.status_message)}</span></li>'
    )


def _next(context: Context) -> str:
    remote = escape(git_url(context.settings, "my-app"))
    return (
        "<h2>Deploy something</h2><p>In the directory of an app, with a Dockerfile:</p>"
        f"<pre>git remote add slipyard {remote}\ngit push slipyard main</pre>"
        "<p>or without git:</p><pre>slipyard deploy .</pre>"
        '<p>Every call of the API: <a href="/docs">/docs</a></p>'
    )


def _how_to_get_in() -> str:
    return (
        "<p>This is Slipyard, which builds and runs apps. To see them here, open a link that lets this browser in once."
        " On the machine that Slipyard runs on:</p><pre>slipyard login-link</pre>"
    )


def _used_up() -> str:
    return "<p>It was used before, or is older than 15 minutes. Get another one:</p><pre>slipyard login-link</pre>"

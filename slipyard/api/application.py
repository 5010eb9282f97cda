"""The HTTP application, put together: one place that names every router."""

from functools import cache

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute

from slipyard.api.access.guard import check_every_route
from slipyard.api.access.principals import Principals
from slipyard.api.answers.handlers import install_handlers
from slipyard.api.answers.request_log import RequestLog
from slipyard.api.dashboard import home, reference
from slipyard.api.description import describe
from slipyard.api.gitserver import routes as gitserver
from slipyard.api.routes import (
    access,
    actions,
    alerts,
    all_metrics,
    app_environment,
    apps,
    backup_targets,
    backups,
    catalogue,
    certificates,
    ci,
    cleaning,
    commands,
    configuration,
    connections,
    deliveries,
    deliveries_in,
    domains,
    events,
    files,
    git_credentials,
    holds,
    hooks,
    log_drains,
    metrics,
    notifiers,
    poll,
    previews,
    queue,
    registries,
    rules,
    runtime,
    scaling,
    schedules,
    secret_stores,
    secrets,
    services,
    system,
    uploads,
    volumes,
    work,
    work_logs,
)
from slipyard.api.routes.recovered_answer import recovered_answer
from slipyard.api.streams.command_session import CommandSessions
from slipyard.clients.identity_issuer import IssuerKeys
from slipyard.clients.outside_http import OutsideHttp
from slipyard.pipeline.context import Context

_REST = (
    catalogue, connections, notifiers, domains, rules, certificates, volumes, backups, backup_targets, services, cleaning, registries, schedules,
    access, apps, app_environment, configuration, secrets, secret_stores, commands, files, ci, actions, scaling, holds, uploads, work, work_logs, runtime, events, git_credentials, hooks, deliveries, poll, previews, queue, system, metrics, all_metrics, log_drains, alerts,
)  # fmt: skip
_OUTSIDE = (deliveries_in.router, system.probes, all_metrics.scrape, gitserver.router, home.router, reference.router)


def create_application(context: Context) -> FastAPI:
    """Raises where a route declares no scope, so that the program does not start."""
    app = FastAPI(title="Slipyard", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.context = context
    app.state.principals = Principals(context)
    app.state.issuer_keys = IssuerKeys(OutsideHttp(context.settings.allowed_networks), context.clock.monotonic)
    app.state.command_sessions = CommandSessions()
    app.state.recover_answer = recovered_answer
    app.router.routes.extend(_routes())
    install_handlers(app)
    app.add_middleware(RequestLog)
    describe(app)
    return app


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """They know no context and are most of the work, so several applications in one process share them."""
    table = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    for router in (_versioned("/v1", shown=True), _versioned("/api/v1", shown=False), *_OUTSIDE):
        table.include_router(router)
    check_every_route(table)
    return tuple(table.routes)


def _versioned(prefix: str, *, shown: bool) -> APIRouter:
    versioned = APIRouter(prefix=prefix, include_in_schema=shown)
    for module in _REST:
        versioned.include_router(module.router)
    return versioned

"""What this installation is, and whether it is well."""

import asyncio
import platform
from collections.abc import Awaitable

from fastapi import APIRouter, Response
from sqlmodel import Session, select

from slipyard import __version__
from slipyard.api.access.dependencies import ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.domain.schemas.system_output import Health, Part, SystemView
from slipyard.pipeline.context import Context
from slipyard.store.tables import Organization

router = APIRouter(tags=["administration"], route_class=GuardedRoute)
probes = APIRouter(tags=["administration"], route_class=GuardedRoute)
_PATIENCE_SECONDS = 2.0


@router.get("/system", dependencies=[requires("admin")])
async def system(context: ContextDep) -> SystemView:
    """Its parts and their versions, as they answer now."""
    return SystemView(
        installation_id=context.installation_id,
        version=__version__,
        python=platform.python_version(),
        domain=context.settings.domain,
        read_only=context.settings.read_only,
        provenance_key=context.cipher.signer.public_key,
        parts=await _parts(context),
    )


@probes.get("/healthz", dependencies=[requires("public")])
async def healthz() -> Health:
    """This process answers."""
    return Health(status="ok")


@probes.get("/readyz", dependencies=[requires("public")])
async def readyz(context: ContextDep, response: Response) -> Health:
    """Requests can be accepted: the database answers. 503 where it does not."""
    database = await _database(context)
    response.status_code = 200 if database.ok else 503
    return Health(status="ok" if database.ok else database.detail)


async def _parts(context: Context) -> list[Part]:
    async def engine() -> str:
        found = await context.engine.version()
        return f"{found.version} (API {found.api_version})"

    return list(
        await asyncio.gather(
            _database(context), _part("engine", engine()), _part("builder", context.image_builder.describe())
        )
    )


async def _database(context: Context) -> Part:
    def look(session: Session) -> str:
        session.exec(select(Organization.id).limit(1)).first()
        return context.database.url.get_backend_name()

    return await _part("database", context.database.reading(look))


async def _part(name: str, question: Awaitable[str]) -> Part:
    try:
        return Part(name=name, ok=True, detail=await asyncio.wait_for(question, _PATIENCE_SECONDS))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a part is what this answers
        return Part(name=name, ok=False, detail=f"{type(error).__name__}: {error}"[:500])

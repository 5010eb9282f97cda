"""What of the disk is Slipyard's, and making room there."""

from typing import Annotated

from fastapi import APIRouter, Query

from slipyard.api.access.dependencies import ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.views.cleaning_view import cleaning_view, disk_view
from slipyard.domain.schemas.system_output import CleaningView, DiskView
from slipyard.pipeline.cleaning.clean import clean, plan_cleaning
from slipyard.pipeline.cleaning.disk_use import disk_use
from slipyard.pipeline.cleaning.survey import Survey

router = APIRouter(prefix="/system", tags=["administration"], route_class=GuardedRoute)
DryRun = Annotated[bool, Query(description="Say what would go and what would stay, and remove nothing")]


@router.get("/disk", dependencies=[requires("admin")])
async def disk(context: ContextDep) -> DiskView:
    """How full the disk is, and with what of Slipyard's. Engine and builder count for it, which may take seconds."""
    return disk_view(await disk_use(Survey(context, exact=True)))


@router.post("/cleanup", dependencies=[requires("admin")])
async def cleanup(context: ContextDep, dry_run: DryRun = False) -> CleaningView:
    """Removes what nothing needs, now instead of within ten minutes; answers each thing that went, and what stays and why."""
    found = await (plan_cleaning(context) if dry_run else clean(context, exact=True))
    return cleaning_view(found, dry_run=dry_run)

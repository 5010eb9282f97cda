"""What an app can be made of: plans and regions of the settings file, as bare lists."""

from fastapi import APIRouter

from slipyard.api.access.dependencies import ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.domain.plan import Region, chosen_plan
from slipyard.domain.schemas.catalogue_output import PlanView, RegionView, TemplateList, TemplateView
from slipyard.pipeline.templates import templates

router = APIRouter(tags=["catalogue"], route_class=GuardedRoute)
READ = requires("apps:read")


@router.get("/apps/plans", dependencies=[READ])
async def plans(context: ContextDep) -> list[PlanView]:
    """In the order of the settings; empty where apps are limited by nothing but what they are told."""
    there = context.settings.plans
    usual = chosen_plan(there, None)
    return [
        PlanView(**plan.model_dump(exclude={"default", "name"}), name=plan.name or plan.id, is_default=plan is usual)
        for plan in there
    ]


@router.get("/apps/regions", dependencies=[READ])
async def regions(context: ContextDep) -> list[RegionView]:
    """Where apps run."""
    return [_region(region) for region in context.settings.regions]


@router.get("/templates", dependencies=[READ])
async def list_templates(context: ContextDep) -> TemplateList:
    """What an app can begin with: `template_id` of a new app."""
    found = await templates(context)
    return TemplateList(templates=[TemplateView(**each.model_dump()) for each in found], total=len(found))


def _region(region: Region) -> RegionView:
    return RegionView(**region.model_dump())

"""What the plan of an app allows, where it is asked for: at creation, with a change, in a release, with another domain.

What an app has already it keeps: a redeploy, or a change of something else, is never refused for its size.
"""

from sqlmodel import Session, col, func, select

from slipyard.domain.actor import Actor
from slipyard.domain.errors import QuotaExceeded
from slipyard.domain.plan import Plan, find_plan, resources_above
from slipyard.domain.release import ReleaseConfig
from slipyard.pipeline.context import Context
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.tables import App, Domain, Release


def plan_of(context: Context, app: App) -> Plan | None:
    """None for an app that was made without one, and where the settings name it no more."""
    return find_plan(context.settings.plans, app.plan)


def refuse_another_app(session: Session, plan: Plan | None, actor: Actor) -> None:
    """`QuotaExceeded` where the organization has as many of this plan as it may; previews count elsewhere."""
    if plan is None or plan.max_apps is None:
        return
    there = select(func.count()).where(App.organization_id == actor.organization_id, App.plan == plan.id)
    there = there.where(col(App.deleted_at).is_(None), col(App.parent_id).is_(None))
    if session.exec(there).one() >= plan.max_apps:
        raise QuotaExceeded(
            f"The plan {plan.id} allows {plan.max_apps} apps, and there are as many. Delete one, or choose another plan."
        )


def refuse_more_domains(session: Session, context: Context, app_id: str, more: int) -> None:
    app = session.get_one(App, app_id)
    plan = plan_of(context, app)
    if plan is None or plan.max_custom_domains is None:
        return
    there = session.exec(select(func.count()).where(Domain.app_id == app_id)).one()
    if there + more > plan.max_custom_domains:
        raise QuotaExceeded(
            f"The plan {plan.id} allows {plan.max_custom_domains} domains of one's own, and {app.slug} has {there}. Remove one"
            " first: `slipyard domains list` shows them."
        )


def refuse_release_above(session: Session, context: Context, app: App, config: ReleaseConfig) -> None:
    """For what the repository's own files ask for, and a deployment of its own. `QuotaExceeded` fails the deployment."""
    plan = plan_of(context, app)
    if plan is None:
        return
    active = active_deployment(session, app.id)
    before = session.get(Release, active.release_id) if active is not None and active.release_id else None
    known = set() if before is None else set(_above(plan, before.config))
    found = [problem for problem in _above(plan, config) if problem not in known]
    if found:
        raise QuotaExceeded(
            f"The plan {plan.id} of {app.slug} does not allow what this release asks for: {'; '.join(found)}. Ask for less, or"
            " make the app under another plan."
        )


def _above(plan: Plan, config: ReleaseConfig) -> list[str]:
    found = []
    for service in config.services:
        found += [f"{each.field} {each.message}" for each in resources_above(plan, service.resources, service.name)]
        if service.replicas > plan.max_instances:
            found.append(f"{service.name} has {service.replicas} instances, at the most {plan.max_instances}")
    return found

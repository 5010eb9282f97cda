"""An app comes into being: its row, its repository, its host, and its first deployment where its source is known."""

import secrets
from dataclasses import dataclass, field, replace

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from slipyard.builder.snapshot import Snapshot
from slipyard.domain.actor import Actor
from slipyard.domain.app import AppConfig
from slipyard.domain.errors import Conflict, FieldProblem, QuotaExceeded, ValidationFailed
from slipyard.domain.ids import new_id
from slipyard.domain.naming import check_slug, default_host, slug_from
from slipyard.domain.plan import chosen_plan, chosen_region, config_in_plan, find_plan
from slipyard.domain.source import Source, SourceType
from slipyard.pipeline.configuration.resolve_configuration import check_references
from slipyard.pipeline.context import Context
from slipyard.pipeline.deploy_app import DeployRequest, write_request
from slipyard.pipeline.hosts.publish_hosts import try_to_publish_hosts
from slipyard.pipeline.plans import refuse_another_app
from slipyard.pipeline.sources.check_source import check_config
from slipyard.pipeline.sources.git_access import check_credential
from slipyard.pipeline.templates import template_source
from slipyard.pipeline.wake import wake_deployment
from slipyard.pipeline.write_down import Asked, AskedBuild, write_build, write_deployment
from slipyard.store.environment import set_env
from slipyard.store.events import record
from slipyard.store.queries.apps import is_own_name
from slipyard.store.tables import App, Deployment, Organization


@dataclass(frozen=True)
class NewApp:
    name: str
    slug: str | None = None
    description: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    environment: str = "production"
    config: AppConfig = field(default_factory=AppConfig)
    env: dict[str, str] = field(default_factory=dict, repr=False)
    deploy: bool = True
    plan: str | None = None
    region: str | None = None
    template: str | None = None


@dataclass(frozen=True)
class CreatedApp:
    app: App
    deployment: Deployment | None


async def create_app(context: Context, new: NewApp, actor: Actor) -> CreatedApp:
    """`Conflict` where the name is taken, `QuotaExceeded`, `ValidationFailed`. An image or a repository is deployed at once."""
    slug = check_slug(new.slug) if new.slug else slug_from(new.name)
    plan = chosen_plan(context.settings.plans, new.plan)
    region = chosen_region(context.settings.regions, new.region)
    new = replace(new, config=config_in_plan(plan, new.config), plan=plan.id if plan else None, region=region.code)
    snapshot = None
    if new.template is not None:
        new, snapshot = await _from_template(context, new, new.template)
    check_config(context, new.config)
    try:
        created = await context.database.writing(lambda session: _write(session, context, new, slug, actor, snapshot))
    except IntegrityError as error:
        raise _taken(slug) from error
    if new.config.source.type is SourceType.GIT:
        await context.git.init_bare(context.layout.repository(created.app.id))
    await try_to_publish_hosts(context)
    if created.deployment is not None:
        await wake_deployment(context, created.deployment)
    return created


async def _from_template(context: Context, new: NewApp, template_id: str) -> tuple[NewApp, Snapshot]:
    """Its files become what was uploaded to the app. `ValidationFailed` where the app is told of another source too."""
    if new.config.source != Source():
        raise ValidationFailed(
            "A template is a source of its own. Leave the other one out, or the template.",
            details=[FieldProblem("template_id", "beside another source")],
        )
    template, snapshot = await template_source(context, template_id)
    config = new.config.model_copy(update={"source": Source(type=SourceType.UPLOAD)})
    return replace(new, config=config, description=new.description or template.description), snapshot


def _write(
    session: Session, context: Context, new: NewApp, slug: str, actor: Actor, snapshot: Snapshot | None = None
) -> CreatedApp:
    _within_quota(session, actor)
    refuse_another_app(session, find_plan(context.settings.plans, new.plan), actor)
    check_credential(session, actor, new.config.source)
    app_id = new_id("app")
    now = context.clock.now()
    app = App(
        id=app_id,
        organization_id=actor.organization_id,
        slug=slug,
        name=new.name,
        description=new.description,
        labels=new.labels,
        environment=new.environment,
        plan=new.plan,
        region=new.region,
        config=new.config,
        host=_host(session, context, slug, app_id, actor),
        repository_secret=secrets.token_hex(16),
        created_at=now,
        updated_at=now,
    )
    session.add(app)
    session.flush()
    set_env(session, context.cipher, app_id, dict(new.env), replace=True, now=now, actor=actor.name)
    check_references(session, context, app, new.env, actor)
    record(session, app_id, "app.created", f"{slug} was created by {actor.name}.", now=now)
    deployment = None
    if snapshot is not None:
        build = write_build(session, context, app, AskedBuild(app.config.source, snapshot_digest=snapshot.digest))
        title = f"Template {new.template}"
        asked = Asked("template", actor.name, title=title, build_id=build.id, principal=actor.principal)
        deployment = write_deployment(session, context, app, asked)
    elif new.deploy and not new.config.source.own_remote and new.config.source.type is not SourceType.UPLOAD:
        deployment = write_request(session, context, app, DeployRequest(trigger="create"), actor)
    return CreatedApp(app, deployment)


def _within_quota(session: Session, actor: Actor) -> None:
    organization = session.get_one(Organization, actor.organization_id, with_for_update=True)
    if organization.max_apps is None:
        return
    there = select(App.id).where(App.organization_id == organization.id, col(App.deleted_at).is_(None))
    own = session.exec(there.where(col(App.parent_id).is_(None))).all()  # previews have a cap of their own
    if len(own) >= organization.max_apps:
        raise QuotaExceeded(
            f"{organization.name} may have {organization.max_apps} apps and has them. Delete one, or ask the"
            " administrator to raise max_apps."
        )


def _host(session: Session, context: Context, slug: str, app_id: str, actor: Actor) -> str:
    host = default_host(slug, app_id, context.settings.domain, taken=False)
    same_name = select(App.organization_id).where(App.host == host, col(App.deleted_at).is_(None))
    owner = session.exec(same_name).first()
    if owner == actor.organization_id:
        raise _taken(slug)
    taken = owner is not None or is_own_name(session, host)
    return default_host(slug, app_id, context.settings.domain, taken=taken)


def _taken(slug: str) -> Conflict:
    return Conflict(
        f"There is an app {slug} already. Choose another name, or change that one.",
        details=[FieldProblem("name", "already taken")],
    )

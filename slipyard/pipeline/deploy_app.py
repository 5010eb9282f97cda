"""Somebody asks that an app be deployed now: its branch's head, its image's tag, or what was uploaded last."""

from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from slipyard.builder.snapshot import Snapshot
from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict, SourceRefused
from slipyard.domain.git_ref import check_branch, check_commit
from slipyard.domain.image_reference import parse_image_reference
from slipyard.domain.naming import check_env_name
from slipyard.domain.source import Source, SourceType
from slipyard.pipeline.configuration.resolve_configuration import check_references
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app, configurable_app
from slipyard.pipeline.previews.show_preview import deploy_head
from slipyard.pipeline.wake import wake_deployment
from slipyard.pipeline.write_down import Asked, AskedBuild, write_build, write_deployment
from slipyard.store.queries.polls import look_soon
from slipyard.store.queries.previews import preview_of_app
from slipyard.store.tables import App, Build, Deployment


@dataclass(frozen=True)
class DeployRequest:
    """`env` is merged into the app's environment, and it and `replicas` hold for this release only."""

    image: str | None = None
    ref: str | None = None
    commit: str | None = None
    replicas: int | None = None
    env: dict[str, str] | None = field(default=None, repr=False)
    no_cache: bool = False
    title: str = ""
    description: str = ""
    trigger: str = "api"
    force_reason: str | None = None


async def deploy_app(context: Context, app_id: str, request: DeployRequest, actor: Actor) -> Deployment:
    """Accepted when this returns: it ends in one outcome, whatever happens to the caller."""
    check_request(request)

    def accept(session: Session) -> Deployment:
        return write_request(session, context, changeable_app(session, app_id), request, actor)

    deployment = await context.database.writing(accept)
    await wake_deployment(context, deployment)
    return deployment


async def deploy_upload(
    context: Context, app_id: str, snapshot: Snapshot, *, deploy: bool, actor: Actor, title: str = ""
) -> tuple[Build, Deployment | None]:
    """What was uploaded is stored already; from here on it is the app's source."""

    def accept(session: Session) -> tuple[Build, Deployment | None]:
        app = configurable_app(session, app_id)
        source = app.config.source.model_copy(
            update={"type": SourceType.UPLOAD, "image": None, "repo_url": None, "credential_id": None}
        )
        if source != app.config.source:
            look_soon(session, app.id, context.clock.now(), forget=True)
        app.config = app.config.model_copy(update={"source": source})
        build = write_build(session, context, app, AskedBuild(source, snapshot_digest=snapshot.digest))
        if not deploy:
            return build, None
        asked = Asked("upload", actor.name, title=title, build_id=build.id, principal=actor.principal)
        return build, write_deployment(session, context, app, asked)

    build, deployment = await context.database.writing(accept)
    await context.queue.wake("build", build.id)
    return build, deployment


def check_request(request: DeployRequest) -> None:
    if request.image:
        parse_image_reference(request.image)
    if request.ref:
        check_branch(request.ref)
    if request.commit:
        check_commit(request.commit)
    for name in request.env or {}:
        check_env_name(name)


def write_request(session: Session, context: Context, app: App, request: DeployRequest, actor: Actor) -> Deployment:
    """In the caller's transaction. An image in the request is deployed whatever the app's source is."""
    if app.parent_id is not None:
        return _preview_again(session, context, app, request, actor)
    check_references(session, context, app, request.env or {}, actor)
    source = app.config.source
    image = request.image or (source.image if source.type is SourceType.IMAGE else None)
    build = None if image else write_build(session, context, app, _what_to_build(session, app, source, request))
    asked = Asked(
        request.trigger,
        actor.name,
        title=request.title,
        description=request.description,
        commit=request.commit,
        image=image,
        build_id=build.id if build else None,
        replicas=request.replicas,
        env=request.env,
        principal=actor.principal,
        force_reason=request.force_reason,
    )
    return write_deployment(session, context, app, asked)


def _preview_again(session: Session, context: Context, app: App, request: DeployRequest, actor: Actor) -> Deployment:
    """Of a preview only the head that is let in can be deployed, and with nothing that its app did not give it."""
    row = preview_of_app(session, app.id)
    own = request.image or request.ref or request.env or request.replicas is not None
    if row is None or own or request.commit not in {None, row.head_commit}:
        raise Conflict(
            f"{app.slug} is a preview and shows the head of its request: deploy it without image, ref, replicas or"
            " variables."
        )
    if row.reason:
        raise Conflict(f"{app.slug} cannot be deployed now. {row.reason}")
    return deploy_head(session, context, app, row, actor.name, no_cache=request.no_cache)


def _what_to_build(session: Session, app: App, source: Source, request: DeployRequest) -> AskedBuild:
    if source.type is SourceType.UPLOAD:
        return AskedBuild(source, snapshot_digest=_last_upload(session, app), no_cache=request.no_cache)
    ref = None if request.commit else request.ref or source.branch
    return AskedBuild(source, ref=ref, commit=request.commit, no_cache=request.no_cache)


def _last_upload(session: Session, app: App) -> str:
    query = select(Build.snapshot_digest).where(Build.app_id == app.id, col(Build.snapshot_digest).is_not(None))
    digest = session.exec(query.order_by(col(Build.number).desc()).limit(1)).first()
    if digest is None:
        raise SourceRefused("Nothing was uploaded to this app yet: run `slipyard deploy .` in its directory.")
    return digest

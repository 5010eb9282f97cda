"""Rows for tests of the store: legal ones with as little said as possible."""

from datetime import UTC, datetime

from sqlmodel import Session

from slipyard.domain.app import AppConfig
from slipyard.domain.ids import new_id
from slipyard.domain.lifecycle import BuildStatus, DeploymentStatus, InstanceStatus
from slipyard.domain.release import ImageIdentity, ReleaseConfig, ServiceSpec
from slipyard.domain.source import Source
from slipyard.store.database import Database
from slipyard.store.tables import App, Build, Delivery, Deployment, Hook, Instance, Organization, Release

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def add_organization(session: Session, slug: str = "default") -> Organization:
    row = Organization(id=new_id("org"), slug=slug, name=slug.title(), created_at=NOW)
    return _added(session, row)


def add_app(session: Session, slug: str = "shop", organization: Organization | None = None, **columns) -> App:
    owner = organization or add_organization(session, f"owner-of-{slug}")
    given = {
        "name": slug.title(),
        "config": AppConfig(),
        "host": f"{slug}.localhost",
        "repository_secret": "f" * 32,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return _added(session, App(id=new_id("app"), organization_id=owner.id, slug=slug, **(given | columns)))


def add_build(session: Session, app: App, status: BuildStatus = BuildStatus.QUEUED, **columns) -> Build:
    app.last_build += 1
    session.add(app)
    given = {"source": Source(), "created_at": NOW}
    row = Build(id=new_id("bld"), app_id=app.id, number=app.last_build, status=status, **(given | columns))
    return _added(session, row)


def add_built(session: Session, app: App, image: str, **columns) -> Build:
    """A build that made `image`."""
    given = {"image_reference": f"registry/{image}", "image_id": f"sha256:{image}"}
    return add_build(session, app, BuildStatus.SUCCEEDED, **(given | columns))


def add_release(session: Session, app: App, image: str = "one", *, replicas: int = 1, **columns) -> Release:
    app.last_release += 1
    session.add(app)
    config = ReleaseConfig(
        image=ImageIdentity(reference=f"registry/{image}", image_id=f"sha256:{image}"),
        services=(ServiceSpec(port=3000, replicas=replicas), ServiceSpec(name="worker")),
        snapshot_digest=f"tree-{image}",
    )
    given = {"config": config, "env_encrypted": b"", "created_at": NOW}
    return _added(session, Release(id=new_id("rel"), app_id=app.id, number=app.last_release, **(given | columns)))


def add_deployment(
    session: Session, app: App, status: DeploymentStatus = DeploymentStatus.PENDING, **columns
) -> Deployment:
    app.last_deployment += 1
    session.add(app)
    given = {"trigger": "api", "actor": "somebody", "created_at": NOW}
    row = Deployment(id=new_id("dep"), app_id=app.id, number=app.last_deployment, status=status, **(given | columns))
    return _added(session, row)


def add_served(session: Session, app: App, image: str, status: DeploymentStatus, **columns) -> Deployment:
    """A deployment with a release and a build of its own."""
    build = add_built(session, app, image)
    release = add_release(session, app, image, build_id=build.id)
    return add_deployment(session, app, status, release_id=release.id, build_id=build.id, **columns)


def add_instance(session: Session, deployment: Deployment, status: InstanceStatus, **columns) -> Instance:
    given = {"service": "web", "ordinal": 0, "address": "10.201.0.2", "port": 3000, "created_at": NOW}
    row = Instance(
        id=new_id("ins"),
        app_id=deployment.app_id,
        deployment_id=deployment.id,
        release_id=str(deployment.release_id),
        status=status,
        **(given | columns),
    )
    return _added(session, row)


def add_delivery(session: Session, hook: Hook, provider_id: str, **columns) -> Delivery:
    given = {"event": "push", "headers": {}, "body": b"{}", "body_digest": "d", "received_at": NOW}
    row = Delivery(id=new_id("dlv"), hook_id=hook.id, app_id=hook.app_id, provider_id=provider_id, **(given | columns))
    return _added(session, row)


def add_hook(session: Session, app: App, **columns) -> Hook:
    given = {"provider": "github", "secret_encrypted": b"sealed", "created_at": NOW}
    return _added(session, Hook(id=new_id("hok"), app_id=app.id, **(given | columns)))


def saved_app(database: Database, slug: str = "shop") -> App:
    with database.write() as session:
        return add_app(session, slug)


def _added(session, row):
    session.add(row)
    session.flush()
    return row

"""Builds, releases and deployments."""

from slipyard.domain.lifecycle import is_over
from slipyard.domain.schemas.work_output import BuildView, DeploymentView, ReleaseView
from slipyard.store.tables import Build, Deployment, Release


def deployment_view(row: Deployment, image: str | None = None) -> DeploymentView:
    """`image` is that of the release, where the deployment was not asked for by reference."""
    fields = row.model_dump(include=set(DeploymentView.model_fields))
    progress = None if is_over(row.status) else row.progress
    changed = {"image": row.image or image, "status": str(row.status), "spans": row.spans, "progress": progress}
    return DeploymentView(**fields | changed)


def build_view(row: Build) -> BuildView:
    fields = row.model_dump(include=set(BuildView.model_fields))
    changed = {"image": row.image_reference, "status": str(row.status), "spans": row.spans, "source": row.source}
    return BuildView(**fields | changed)


def release_view(row: Release, active_release_id: str | None) -> ReleaseView:
    config = row.config
    return ReleaseView(
        id=row.id,
        app_id=row.app_id,
        number=row.number,
        build_id=row.build_id,
        commit=config.commit,
        image=config.image.reference,
        image_id=config.image.image_id,
        manifest_digest=config.image.manifest_digest,
        services=[service.model_dump(mode="json") for service in config.services],
        env_fingerprints=config.env_fingerprints,
        active=row.id == active_release_id,
        created_at=row.created_at,
    )

"""Builds and releases."""

from sqlmodel import Session

from slipyard.api.views.provenance_view import provenance_view
from slipyard.domain.schemas.work_output import BuildView, ReleaseView
from slipyard.store.signer import Signer
from slipyard.store.tables import Build, Release


def build_view(row: Build) -> BuildView:
    fields = row.model_dump(include=set(BuildView.model_fields))
    changed = {"image": row.image_reference, "status": str(row.status), "spans": row.spans, "source": row.source}
    return BuildView(**fields | changed)


def release_view(
    session: Session, signer: Signer, row: Release, active_release_id: str | None, *, whole: bool = False
) -> ReleaseView:
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
        provenance=provenance_view(session, signer, row, whole=whole),
        created_at=row.created_at,
    )

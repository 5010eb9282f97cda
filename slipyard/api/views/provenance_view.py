"""Where the image of a release comes from, as it is answered."""

from sqlmodel import Session

from slipyard.domain.provenance import BUILT, Origin, origin_of
from slipyard.domain.schemas.work_output import ProvenanceView
from slipyard.pipeline.builds.provenance import fault_of_release
from slipyard.store.signer import Signer
from slipyard.store.tables import Release

_NOTHING = Origin(kind="", image_id="", reference="")


def provenance_view(session: Session, signer: Signer, row: Release, *, whole: bool) -> ProvenanceView:
    """`whole` adds the envelope."""
    envelope = row.provenance
    fault = fault_of_release(session, signer, row.id)
    said = origin_of(envelope.statement) if envelope is not None else None
    origin = said or _NOTHING
    return ProvenanceView(
        verified=fault is None,
        fault=fault,
        kind=None if said is None else "built" if said.kind == BUILT else "pulled",
        image_id=origin.image_id or None,
        reference=origin.reference or None,
        manifest_digest=origin.manifest_digest,
        build_id=origin.build_id,
        reused_from=origin.reused_from,
        commit=origin.commit,
        repository=origin.repository,
        snapshot_digest=origin.snapshot_digest,
        plan_key=origin.plan_key,
        builder=origin.builder,
        sbom=list(origin.sbom),
        finished_at=origin.finished_at,
        envelope=envelope.dsse() if whole and envelope is not None else None,
    )

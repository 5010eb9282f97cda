"""An unchanged tree and plan has its images already."""

from slipyard.clients.container_engine import ImageFacts
from slipyard.domain.errors import NotFound, Unavailable
from slipyard.domain.release import ImageIdentity
from slipyard.pipeline.builds.load_build import BuildJob
from slipyard.pipeline.builds.make_images import Made
from slipyard.pipeline.builds.provenance import beside_of, read_origin
from slipyard.pipeline.context import Context
from slipyard.pipeline.trace import Trace
from slipyard.store.queries.builds import build_of_plan
from slipyard.store.tables import Build


async def reuse_images(context: Context, job: BuildJob, plan_key: str, trace: Trace) -> Made | None:
    """Only where a statement of ours says that the image is of this plan."""
    if job.no_cache:
        return None
    before = await context.database.reading(lambda session: build_of_plan(session, job.app_id, plan_key))
    if before is None or before.image_reference is None or before.image_id is None:
        return None
    origin = read_origin(context.cipher.signer, before.provenance)
    if origin is None or (origin.image_id, origin.plan_key) != (before.image_id, plan_key):
        return None
    if origin.beside != beside_of(before.images):
        return None
    if (facts := await _facts(context, before)) is None:
        return None
    await trace.say(f"Tree and plan are those of build {before.number}: its image is used again.")
    image = ImageIdentity(
        reference=before.image_reference, image_id=before.image_id, manifest_digest=before.manifest_digest
    )
    since = origin.reused_from or before.id
    return Made(image, facts, origin.builder, since, origin.sbom, before.images)


async def _facts(context: Context, before: Build) -> ImageFacts | None:
    """Of its own image, where that and all beside it are still here."""
    facts = await _found(context, str(before.image_reference), str(before.image_id))
    for image in before.images.values():
        if facts is None or await _found(context, image.reference, image.image_id) is None:
            return None  # it was cleaned up: building is the way to have it again
    return facts


async def _found(context: Context, reference: str, image_id: str) -> ImageFacts | None:
    try:
        credentials = context.registry_home.credentials
        facts = await context.driver.ensure_image(reference, pull=False, credentials=credentials)
    except (NotFound, Unavailable):
        return None
    return facts if facts.image_id == image_id else None

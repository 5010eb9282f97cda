"""Images of services become what they are at this moment, at the first deployment of a release: from then on its digest counts."""

from collections.abc import Mapping

from sqlmodel import Session

from slipyard.clients.container_engine import ImageFacts
from slipyard.domain.release import ImageOrigin, ServiceSpec
from slipyard.pipeline.attempt import Attempt
from slipyard.pipeline.builds.resolve_image import identity_of, pulled_or_loaded
from slipyard.pipeline.rollout.load_rollout import Rollout
from slipyard.pipeline.rollout.service_specs import with_image
from slipyard.store import claims
from slipyard.store.tables import Release


async def pin_images(attempt: Attempt, rollout: Rollout) -> bool:
    """Whether the release is another one now. `RolloutFailed` where there is no such image."""
    references = {each.image.reference for each in rollout.config.services if each.image and not each.image.image_id}
    if not references:
        return False
    found: dict[str, ImageFacts] = {}
    with attempt.stopwatch.span("pull"):
        for reference in sorted(references):
            await attempt.trace.say(f"Pulling {reference}.")
            found[reference] = await pulled_or_loaded(attempt.context, rollout.app_id, reference, attempt.trace)
    await attempt.context.database.writing(lambda session: _write(session, attempt, rollout.release_id, found))
    return True


def _write(session: Session, attempt: Attempt, release_id: str, found: Mapping[str, ImageFacts]) -> None:
    claims.require(session, attempt.claim)
    release = session.get_one(Release, release_id)
    services = tuple(_pinned(each, found) for each in release.config.services)
    release.config = release.config.model_copy(update={"services": services})
    session.add(release)


def _pinned(service: ServiceSpec, found: Mapping[str, ImageFacts]) -> ServiceSpec:
    if service.image is None or service.image.image_id or service.image.reference not in found:
        return service
    facts = found[service.image.reference]
    origin = ImageOrigin(exposed_ports=facts.exposed_ports, health_command=facts.health_command)
    return with_image(service, identity_of(service.image.reference, facts), origin)

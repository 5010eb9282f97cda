"""An image named by reference becomes a release: pulled, so that what runs is the digest that was found now."""

from sqlmodel import Session

from slipyard.clients.container_engine import ImageFacts
from slipyard.domain.errors import HostUnknown, NotFound, RolloutFailed
from slipyard.domain.image_reference import parse_image_reference
from slipyard.domain.provenance import PULLED, Origin
from slipyard.domain.release import ImageIdentity
from slipyard.pipeline.builds.provenance import sign_origin
from slipyard.pipeline.configuration.fetch_secrets import fetch_secrets
from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.make_release import ReleaseMaterial, make_release
from slipyard.pipeline.sources.registry_logins import login_for
from slipyard.pipeline.trace import Trace
from slipyard.store import claims
from slipyard.store.claims import Claim
from slipyard.store.tables import Deployment


async def resolve_image(context: Context, claim: Claim, row: Deployment, trace: Trace) -> None:
    """`RolloutFailed` where there is no such image, or no such registry."""
    reference = str(parse_image_reference(row.image or ""))
    await trace.say(f"Pulling {reference}.")
    facts = await pull_named(context, row.app_id, reference)
    fetched = await fetch_secrets(context, row.app_id)
    image = identity_of(reference, facts)

    def give_release(session: Session) -> None:
        claims.require(session, claim)
        deployment = session.get_one(Deployment, claim.id)
        material = ReleaseMaterial(
            image=image,
            exposed_ports=facts.exposed_ports,
            health_command=facts.health_command,
            commit=deployment.commit,
            provenance=sign_origin(context.cipher.signer, _origin(context, deployment, image)),
        )
        deployment.release_id = make_release(session, context, deployment.app_id, material, deployment, fetched).id
        session.add(deployment)

    await context.database.writing(give_release)


def _origin(context: Context, deployment: Deployment, image: ImageIdentity) -> Origin:
    return Origin(
        kind=PULLED,
        image_id=image.image_id,
        reference=image.reference,
        app=deployment.app_id,
        manifest_digest=image.manifest_digest,
        commit=deployment.commit,
        finished_at=context.clock.now(),
    )


def identity_of(reference: str, facts: ImageFacts) -> ImageIdentity:
    return ImageIdentity(reference=reference, image_id=facts.image_id, manifest_digest=_digest(facts))


async def pull_named(context: Context, app_id: str, reference: str) -> ImageFacts:
    """`RolloutFailed` where there is no such image, or no such registry."""
    registry = parse_image_reference(reference).domain
    login = await login_for(context, app_id, registry)
    try:
        return await context.driver.ensure_image(reference, pull=True, credentials=login)
    except NotFound as error:
        raise RolloutFailed(
            f"There is no image {reference}, or it may not be pulled {'without' if login is None else 'with these'} "
            f"credentials. Check its name and tag, or give a login with `slipyard registries add {registry}`."
        ) from error
    except HostUnknown as error:
        raise RolloutFailed(_no_registry(reference)) from error


async def pulled_or_loaded(context: Context, app_id: str, reference: str, trace: Trace) -> ImageFacts:
    """An engine without a way to registries has what somebody loaded into it. Raises as `pull_named` does."""
    try:
        return await pull_named(context, app_id, reference)
    except RolloutFailed as error:
        loaded = await context.engine.image(reference) if isinstance(error.__cause__, HostUnknown) else None
        if loaded is None:
            raise
        await trace.say(f"No registry can be reached for it: {reference} is taken as this engine has it.")
        return loaded


def _no_registry(reference: str) -> str:
    """It stays so however often it is tried: most often a letter is wrong."""
    registry = parse_image_reference(reference).domain
    return (
        f"There is no registry {registry}: its name cannot be found. Check how {reference} is spelled. Where it is right, "
        "the machine of the container engine does not know that name: correct its name servers, or make the name known "
        "there. Then deploy again."
    )


def _digest(facts: ImageFacts) -> str | None:
    return next((digest.rpartition("@")[2] for digest in facts.repo_digests), None)

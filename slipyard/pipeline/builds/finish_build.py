"""The terminal transaction of a build, which moves its deployment on; then the wake-ups."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from slipyard.domain.errors import BuildFailed, SlipyardError, UserError
from slipyard.domain.lifecycle import BuildStatus, DeploymentStatus, is_terminal
from slipyard.domain.provenance import BUILT, PULLED, Origin
from slipyard.pipeline.attempt import Attempt, sentence_of
from slipyard.pipeline.builds.build_image import Built
from slipyard.pipeline.builds.provenance import beside_of, sign_origin
from slipyard.pipeline.configuration.fetch_secrets import fetch_secrets
from slipyard.pipeline.configuration.resolve_configuration import Fetched
from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.make_release import ReleaseMaterial, make_release
from slipyard.store.tables import Build, Deployment
from slipyard.store.transition import transition


@dataclass(frozen=True)
class BuildEnding:
    status: BuildStatus
    deployment_status: DeploymentStatus
    sentence: str
    log_tail: Sequence[str] = ()


async def succeed_build(attempt: Attempt, built: Built) -> None:
    await attempt.trace.say(*(f"Image {image.reference} is ready." for image in (built.image, *built.images.values())))
    fetched = await fetch_secrets(attempt.context, await _app_id(attempt), manifest=built.manifest)
    waiting = await attempt.context.database.writing(lambda session: _succeed(session, attempt, built, fetched))
    for deployment_id in waiting:
        await attempt.context.queue.wake("deploy", deployment_id)
    await wake_next_build(attempt.context, attempt.claim.id)


async def fail_build(attempt: Attempt, error: SlipyardError) -> None:
    sentence = sentence_of(error)
    tail = error.log_tail if isinstance(error, BuildFailed) else ()
    await attempt.trace.say(f"Build failed: {sentence}")
    await _end(attempt, BuildEnding(BuildStatus.FAILED, DeploymentStatus.FAILED, sentence, tail))


async def cancel_build_attempt(attempt: Attempt, reason: str) -> None:
    await attempt.trace.say(f"Build cancelled: {reason}")
    await _end(attempt, BuildEnding(BuildStatus.CANCELLED, DeploymentStatus.CANCELLED, reason))


async def wake_next_build(context: Context, build_id: str) -> None:
    """An app builds one thing at a time: whoever waited for this one may begin."""
    for waiting in await context.database.reading(lambda session: _queued_beside(session, build_id)):
        await context.queue.wake("build", waiting)


def _succeed(session: Session, attempt: Attempt, built: Built, fetched: Fetched) -> list[str]:
    context, claim = attempt.context, attempt.claim
    now = context.clock.now()
    build = session.get_one(Build, claim.id, populate_existing=True)
    transition(
        session,
        build,
        BuildStatus.SUCCEEDED,
        now=now,
        message=f"Build {build.number} succeeded.",
        claim=claim.token,
        **_columns(build, attempt, now),
        commit=built.commit,
        snapshot_digest=built.snapshot_digest,
        plan_key=built.plan_key,
        image_reference=None if built.pulled else built.image.reference,
        images=built.images,
        image_id=built.image.image_id,
        manifest_digest=built.image.manifest_digest,
        published_at=now if built.pulled or built.image.manifest_digest else None,
    )
    build.provenance = sign_origin(context.cipher.signer, _origin(build, built))
    material = _material(build, built)
    given = [_give_release(session, context, row, material, fetched) for row in _deployments_of(session, build.id)]
    return [deployment_id for deployment_id in given if deployment_id is not None]


def _material(build: Build, built: Built) -> ReleaseMaterial:
    return ReleaseMaterial(
        image=built.image,
        exposed_ports=built.exposed_ports,
        processes=built.processes,
        manifest=built.manifest,
        images=built.images,
        health_command=built.health_command,
        build_id=build.id,
        commit=built.commit,
        snapshot_digest=built.snapshot_digest,
        plan_key=built.plan_key,
        builder=built.builder,
        provenance=build.provenance,
    )


def _give_release(
    session: Session, context: Context, deployment: Deployment, material: ReleaseMaterial, fetched: Fetched
) -> str | None:
    """None where its configuration refers to what is not there: the build is good all the same."""
    try:
        release = make_release(session, context, deployment.app_id, material, deployment, fetched)
    except UserError as error:
        why: dict[str, Any] = {"error": error.message, "finished_at": context.clock.now()}
        transition(session, deployment, DeploymentStatus.FAILED, now=why["finished_at"], message=error.message, **why)
        return None
    deployment.release_id = release.id
    deployment.commit = material.commit
    session.add(deployment)
    return deployment.id


async def _app_id(attempt: Attempt) -> str:
    return await attempt.context.database.reading(lambda session: session.get_one(Build, attempt.claim.id).app_id)


def _origin(build: Build, built: Built) -> Origin:
    return Origin(
        kind=PULLED if built.pulled else BUILT,
        image_id=built.image.image_id,
        reference=built.image.reference,
        app=build.app_id,
        manifest_digest=built.image.manifest_digest,
        build_id=build.id,
        commit=built.commit,
        repository=build.source.repo_url,
        snapshot_digest=built.snapshot_digest,
        plan_key=built.plan_key,
        builder=built.builder,
        reused_from=built.reused_from,
        sbom=built.sbom,
        beside=beside_of(built.images),
        started_at=build.started_at,
        finished_at=build.finished_at,
    )


async def _end(attempt: Attempt, ending: BuildEnding) -> None:
    def terminal(session: Session) -> None:
        now = attempt.context.clock.now()
        build = session.get_one(Build, attempt.claim.id, populate_existing=True)
        if is_terminal(build.status):
            return  # the cancel came while the last transaction was on its way
        why: dict[str, Any] = {"error": ending.sentence, "log_tail": list(ending.log_tail), "finished_at": now}
        columns = _columns(build, attempt, now) | why
        message, token = ending.sentence, attempt.claim.token
        transition(session, build, ending.status, now=now, message=message, claim=token, **columns)
        for deployment in _deployments_of(session, build.id):
            transition(session, deployment, ending.deployment_status, now=now, message=message, **why)

    await attempt.context.database.writing(terminal)
    await wake_next_build(attempt.context, attempt.claim.id)


def _columns(build: Build, attempt: Attempt, now: datetime) -> dict[str, Any]:
    spans = [*build.spans, *attempt.stopwatch.spans]
    return {"spans": spans, "finished_at": now, "claim_token": None, "claim_holder": None}


def _deployments_of(session: Session, build_id: str) -> list[Deployment]:
    waiting = (DeploymentStatus.PENDING, DeploymentStatus.BUILDING)
    query = select(Deployment).where(Deployment.build_id == build_id, col(Deployment.status).in_(waiting))
    return list(session.exec(query).all())


def _queued_beside(session: Session, build_id: str) -> list[str]:
    app_id = session.get_one(Build, build_id).app_id
    query = select(Build.id).where(Build.app_id == app_id, col(Build.status) == BuildStatus.QUEUED)
    return list(session.exec(query.order_by(col(Build.number)).limit(1)).all())

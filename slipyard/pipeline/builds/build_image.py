"""Source to image, in the order that saves the most: an unchanged tree and plan reuses the image that it made before."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field

from slipyard.builder.context import filter_context
from slipyard.builder.image_build import BuiltImage, ImageBuild
from slipyard.builder.plan import BuildPlan, plan_build
from slipyard.builder.snapshot_reader import SnapshotReader
from slipyard.clients.container_engine import ImageFacts
from slipyard.domain.errors import NotFound, Unavailable
from slipyard.domain.release import ImageIdentity
from slipyard.domain.source import SourceType
from slipyard.pipeline.builds.build_log import BuildLog
from slipyard.pipeline.builds.load_build import BuildJob
from slipyard.pipeline.builds.provenance import read_origin
from slipyard.pipeline.builds.push_gate import push_gate
from slipyard.pipeline.context import Context
from slipyard.pipeline.sources.fetch_source import StoredSnapshot, fetch_source, uploaded_source
from slipyard.pipeline.sources.registry_logins import logins_for
from slipyard.pipeline.stopwatch import Stopwatch
from slipyard.pipeline.trace import Trace
from slipyard.store.queries.builds import build_of_plan
from slipyard.store.queries.deployments import note_commit


@dataclass(frozen=True)
class _Made:
    image: ImageIdentity
    facts: ImageFacts
    builder: str | None
    reused_from: str | None = None
    sbom: tuple[str, ...] = ()


@dataclass(frozen=True)
class Built:
    image: ImageIdentity
    plan_key: str
    snapshot_digest: str
    commit: str | None
    exposed_ports: tuple[int, ...] = ()
    processes: dict[str, str] = field(default_factory=dict)
    health_command: tuple[str, ...] | None = None
    builder: str | None = None
    reused_from: str | None = None  # the build that made the image
    sbom: tuple[str, ...] = ()  # digests


async def build_image(context: Context, job: BuildJob, stopwatch: Stopwatch, trace: Trace) -> Built:
    """Raises `UserError` where the source or the build is at fault, `SystemFault` where something we stand on is."""
    snapshot, commit = await _snapshot(context, job, stopwatch, trace)
    with stopwatch.span("plan"):
        plan = await asyncio.to_thread(lambda: plan_build(SnapshotReader(snapshot.path), job.source))
        key = plan.key(snapshot.digest)
        await trace.write(plan.explanation)
        made = await _reuse(context, job, key, trace)
    if made is None:
        with stopwatch.span("build"):
            made = await _build(context, job, snapshot, plan, commit, trace)
    processes, facts = dict(plan.processes), made.facts
    return Built(
        made.image,
        key,
        snapshot.digest,
        commit,
        facts.exposed_ports,
        processes,
        facts.health_command,
        made.builder,
        made.reused_from,
        made.sbom,
    )


async def _snapshot(
    context: Context, job: BuildJob, stopwatch: Stopwatch, trace: Trace
) -> tuple[StoredSnapshot, str | None]:
    if job.source.type is SourceType.UPLOAD:
        return await uploaded_source(context, job), job.commit
    snapshot, commit = await fetch_source(context, job, stopwatch, trace)
    if job.commit is None and commit is not None:
        now = context.clock.now()
        await context.database.writing(lambda session: note_commit(session, job.build_id, commit, now))
    return snapshot, commit


async def _reuse(context: Context, job: BuildJob, plan_key: str, trace: Trace) -> _Made | None:
    """Only where a statement of ours says that the image is of this plan."""
    if job.no_cache:
        return None
    before = await context.database.reading(lambda session: build_of_plan(session, job.app_id, plan_key))
    if before is None or before.image_reference is None or before.image_id is None:
        return None
    origin = read_origin(context.cipher.signer, before.provenance)
    if origin is None or (origin.image_id, origin.plan_key) != (before.image_id, plan_key):
        return None
    try:
        credentials = context.registry_home.credentials
        facts = await context.driver.ensure_image(before.image_reference, pull=False, credentials=credentials)
    except (NotFound, Unavailable):
        return None  # it was cleaned up: building is the way to have it again
    if facts.image_id != before.image_id:
        return None
    await trace.say(f"Tree and plan are those of build {before.number}: its image is used again.")
    image = ImageIdentity(
        reference=before.image_reference, image_id=before.image_id, manifest_digest=before.manifest_digest
    )
    return _Made(image, facts, origin.builder, origin.reused_from or before.id, origin.sbom)


async def _build(
    context: Context, job: BuildJob, snapshot: StoredSnapshot, plan: BuildPlan, commit: str | None, trace: Trace
) -> _Made:
    reference = image_reference(context, job)
    tar = await filter_context(
        snapshot.path, context.layout.contexts, plan.subdirectory, plan.dockerfile, plan.default_ignores
    )
    async with _pushing(context), BuildLog(trace) as log:
        built = await context.image_builder.build(
            ImageBuild(
                build_id=job.build_id,
                context=tar.path,
                dockerfile=tar.dockerfile,
                reference=reference,
                cache_namespace=job.app_id,
                build_args=plan.build_args,
                labels=_labels(context, job, commit),
                secrets=job.secrets,
                credentials=await logins_for(context, job.app_id),
                target=plan.target,
                platform=plan.platform,
                no_cache=job.no_cache,
                sbom_generator=context.settings.sbom_generator,
            ),
            log.take,
        )
    identity, sbom = await _identify(context, reference, built)
    facts = await context.driver.ensure_image(reference, pull=False, credentials=context.registry_home.credentials)
    return _Made(identity, facts, await context.image_builder.describe(), sbom=sbom)


async def _identify(context: Context, reference: str, built: BuiltImage) -> tuple[ImageIdentity, tuple[str, ...]]:
    """And what the frontend said is in it, which is kept beside the image in an index."""
    image_id, sbom = built.image_id, tuple[str, ...]()
    if image_id is None:
        pushed = f"{reference.rpartition(':')[0]}@{built.manifest_digest}"
        image_id = (await context.registry.manifest(pushed, context.registry_home.credentials)).config_digest
        sbom = await context.registry.sboms(pushed, context.registry_home.credentials)
    return ImageIdentity(reference=reference, image_id=image_id, manifest_digest=built.manifest_digest), sbom


def _pushing(context: Context) -> AbstractAsyncContextManager[None]:
    """A builder of its own pushes as it ends; the engine's keeps the image, which is pushed later."""
    return push_gate(context).pushing() if context.settings.buildkit_host else nullcontext()


def image_reference(context: Context, job: BuildJob) -> str:
    """The attempt is part of the tag: what a lost worker pushes late never has the name of what its successor made."""
    home = context.registry_home
    return f"{home.host}/{home.prefix}{job.slug}-{job.repository_secret}:b{job.number}-{job.attempt}"


def _labels(context: Context, job: BuildJob, commit: str | None) -> dict[str, str]:
    """OCI's own names, and those by which `slipyard down --purge` finds what is ours."""
    labels = {
        "slipyard.installation": context.installation_id,
        "slipyard.app": job.app_id,
        "org.opencontainers.image.created": context.clock.now().isoformat(timespec="seconds"),
    }
    if commit:
        labels["org.opencontainers.image.revision"] = commit
    if job.source.repo_url:
        labels["org.opencontainers.image.source"] = job.source.repo_url
    return labels

"""Source to image, in the order that saves the most: an unchanged tree and plan reuses the image that it made before."""

import asyncio
from dataclasses import dataclass, field

from slipyard.builder.plan import BuildPlan, plan_build
from slipyard.builder.snapshot_reader import SnapshotReader
from slipyard.domain.manifest import NOTHING_SAID, Manifest
from slipyard.domain.release import ImageIdentity
from slipyard.domain.source import SourceType
from slipyard.pipeline.builds.load_build import BuildJob
from slipyard.pipeline.builds.make_images import Bench, Made, make_images
from slipyard.pipeline.builds.resolve_image import identity_of, pulled_or_loaded
from slipyard.pipeline.builds.reuse_images import reuse_images
from slipyard.pipeline.context import Context
from slipyard.pipeline.sources.fetch_source import StoredSnapshot, fetch_source, uploaded_source
from slipyard.pipeline.stopwatch import Stopwatch
from slipyard.pipeline.trace import Trace
from slipyard.store.queries.deployments import note_commit


@dataclass(frozen=True)
class Built:
    """`images` are those beside the app's own, by name. `pulled`: nothing is built, the image was made elsewhere."""

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
    manifest: Manifest = NOTHING_SAID
    images: dict[str, ImageIdentity] = field(default_factory=dict)
    pulled: bool = False


async def build_image(context: Context, job: BuildJob, stopwatch: Stopwatch, trace: Trace) -> Built:
    """Raises `UserError` where the source or the build is at fault, `SystemFault` where something we stand on is."""
    snapshot, commit = await _snapshot(context, job, stopwatch, trace)
    with stopwatch.span("plan"):
        plan = await asyncio.to_thread(lambda: plan_build(SnapshotReader(snapshot.path), job.source, job.variables))
        key = plan.key(snapshot.digest)
        await trace.write(plan.explanation)
        made = await _without_building(context, job, plan, key, trace)
    if made is None:
        with stopwatch.span("build"):
            made = await make_images(Bench(context, job, snapshot, commit, trace), plan)
    return Built(
        made.image,
        key,
        snapshot.digest,
        commit,
        made.facts.exposed_ports,
        dict(plan.processes),
        made.facts.health_command,
        made.builder,
        made.reused_from,
        made.sbom,
        plan.manifest,
        made.images,
        pulled=plan.manifest.image is not None,
    )


async def _without_building(context: Context, job: BuildJob, plan: BuildPlan, key: str, trace: Trace) -> Made | None:
    reference = plan.manifest.image
    if reference is None:
        return await reuse_images(context, job, key, trace)
    await trace.say(f"Nothing is built. Pulling {reference}.")
    facts = await pulled_or_loaded(context, job.app_id, reference, trace)
    return Made(identity_of(reference, facts), facts, None)


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

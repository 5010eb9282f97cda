"""A git source becomes a snapshot: one fetch at most, then `git archive` straight into the sanitiser."""

from slipyard.builder.archive_limits import ArchiveLimits
from slipyard.builder.git_source import FetchedCommit, check_submodules, fetch_commit
from slipyard.builder.snapshot import Snapshot, snapshot_from
from slipyard.pipeline.context import Context
from slipyard.pipeline.load_build import BuildJob
from slipyard.pipeline.stopwatch import Stopwatch
from slipyard.pipeline.trace import Trace


async def fetch_source(context: Context, job: BuildJob, stopwatch: Stopwatch, trace: Trace) -> tuple[Snapshot, str]:
    """A build that was asked for by branch takes the branch's head of this moment: so that the later of two builds is
    never the older commit. A build that was asked for by commit takes that commit."""
    mirror = context.layout.repository(job.app_id)
    with stopwatch.span("fetch"):
        found = await fetch_commit(
            context.git,
            mirror,
            job.source.repo_url or None,
            job.ref or job.commit or job.source.branch,
            allowed_networks=context.settings.allowed_networks,
        )
        await trace.say(f"Commit {found.commit[:12]}: {found.message.splitlines()[0] if found.message else ''}")
        if job.commit and job.commit != found.commit:
            await trace.say(f"{job.ref or 'The branch'} has moved on from {job.commit[:12]}; its head is built.")
    with stopwatch.span("snapshot"):
        snapshot = await _archive(context, job, found)
        await context.git.pin(mirror, found.commit, job.build_id)
    return snapshot, found.commit


async def _archive(context: Context, job: BuildJob, found: FetchedCommit) -> Snapshot:
    mirror = context.layout.repository(job.app_id)
    if not job.source.submodules:
        await check_submodules(context.git, mirror, found.tree)
    stream = context.git.archive(mirror, found.commit)
    return await snapshot_from(stream, context.layout.snapshots, ArchiveLimits())

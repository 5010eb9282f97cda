"""Where the tree of a build comes from: one fetch at most and `git archive` into the sanitiser, or what was uploaded."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from slipyard.builder.git_source import Access, FetchedCommit, fetch_commit, fetch_held_commit, snapshot_of_commit
from slipyard.domain.errors import SlipyardError, SourceRefused
from slipyard.pipeline.builds.load_build import BuildJob
from slipyard.pipeline.context import Context
from slipyard.pipeline.sources.git_access import note_access
from slipyard.pipeline.stopwatch import Stopwatch
from slipyard.pipeline.trace import Trace


@dataclass(frozen=True)
class StoredSnapshot:
    digest: str
    path: Path


async def fetch_source(
    context: Context, job: BuildJob, stopwatch: Stopwatch, trace: Trace
) -> tuple[StoredSnapshot, str]:
    """A build that was asked for by branch takes the branch's head of this moment: so that the later of two builds is
    never the older commit. A build that was asked for by commit takes that commit."""
    mirror = context.layout.repository(job.mirror_of)
    with stopwatch.span("fetch"):
        found = await _fetch(context, job, mirror)
        await trace.say(f"Commit {found.commit[:12]}: {found.message.splitlines()[0] if found.message else ''}")
        if job.commit and job.commit != found.commit:
            await trace.say(f"{job.ref or 'The branch'} has moved on from {job.commit[:12]}; its head is built.")
    with stopwatch.span("snapshot"):
        snapshot = await snapshot_of_commit(context.git, mirror, found.tree, context.layout.snapshots)
        await context.git.pin(mirror, found.commit, job.build_id)
    return StoredSnapshot(snapshot.digest, snapshot.path), found.commit


async def _fetch(context: Context, job: BuildJob, mirror: Path) -> FetchedCommit:
    try:
        found = await _found(context, job, mirror)
    except SlipyardError as error:
        await _note(context, job, error)
        raise
    await _note(context, job, None)
    return found


async def _found(context: Context, job: BuildJob, mirror: Path) -> FetchedCommit:
    """A preview's build names the ref that holds its commit, and takes this commit alone."""
    access = Access(job.source.repo_url or None, job.credential, context.settings.allowed_networks)
    if job.ref and job.commit and job.ref.startswith("refs/"):
        return await fetch_held_commit(context.git, mirror, access, job.ref, job.commit)
    wanted = job.ref or job.commit or job.source.branch
    return await fetch_commit(
        context.git,
        mirror,
        access.url,
        wanted,
        credential=access.credential,
        allowed_networks=access.allowed_networks,
    )


async def _note(context: Context, job: BuildJob, error: SlipyardError | None) -> None:
    if job.source.repo_url:
        await note_access(context, job.app_id, job.source, error)


async def uploaded_source(context: Context, job: BuildJob) -> StoredSnapshot:
    if job.snapshot_digest is None:
        raise SourceRefused("Nothing was uploaded to this app yet: run `slipyard deploy .` in its directory.")
    path = context.layout.snapshot(job.snapshot_digest)
    if not await asyncio.to_thread(path.exists):
        raise SourceRefused("The uploaded source is no longer kept: upload it again with `slipyard deploy .`.")
    return StoredSnapshot(job.snapshot_digest, path)

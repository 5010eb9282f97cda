"""The images of one plan, one after the other: the app's own, and those beside it."""

from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace

from slipyard.builder.context import filter_context
from slipyard.builder.image_build import BuiltImage, ImageBuild
from slipyard.builder.plan import BuildPlan
from slipyard.clients.container_engine import ImageFacts
from slipyard.domain.release import ImageIdentity
from slipyard.pipeline.builds.build_log import BuildLog
from slipyard.pipeline.builds.load_build import BuildJob
from slipyard.pipeline.builds.push_gate import push_gate
from slipyard.pipeline.context import Context
from slipyard.pipeline.sources.fetch_source import StoredSnapshot
from slipyard.pipeline.sources.registry_logins import logins_for
from slipyard.pipeline.trace import Trace


@dataclass(frozen=True)
class Made:
    image: ImageIdentity
    facts: ImageFacts
    builder: str | None
    reused_from: str | None = None
    sbom: tuple[str, ...] = ()
    images: dict[str, ImageIdentity] = field(default_factory=dict)


@dataclass(frozen=True)
class Bench:
    """What all images of a build have in common."""

    context: Context
    job: BuildJob
    snapshot: StoredSnapshot
    commit: str | None
    trace: Trace


async def make_images(bench: Bench, plan: BuildPlan) -> Made:
    """`BuildFailed` where one of them does not build: then there is none."""
    images: dict[str, ImageIdentity] = {}
    async with BuildLog(bench.trace) as log:
        own = await _make(bench, log, plan, image_reference(bench.context, bench.job))
        for name, beside in plan.beside.items():
            log.begin_another(f"Building the image {name}.")
            made = await _make(bench, log, beside, image_reference(bench.context, bench.job, name))
            images[name], own = made.image, replace(own, sbom=(*own.sbom, *made.sbom))
    return replace(own, images=images)


async def _make(bench: Bench, log: BuildLog, plan: BuildPlan, reference: str) -> Made:
    context, job = bench.context, bench.job
    tar = await filter_context(
        bench.snapshot.path, context.layout.contexts, plan.subdirectory, plan.dockerfile, plan.default_ignores
    )
    async with _pushing(context):
        built = await context.image_builder.build(
            ImageBuild(
                build_id=job.build_id,
                context=tar.path,
                dockerfile=tar.dockerfile,
                reference=reference,
                cache_namespace=job.app_id,
                build_args=plan.build_args,
                labels=_labels(bench),
                secrets=_secrets(job, plan),
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
    return Made(identity, facts, await context.image_builder.describe(), sbom=sbom)


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


def image_reference(context: Context, job: BuildJob, name: str | None = None) -> str:
    """The attempt is part of the tag: what a lost worker pushes late never has the name of what its successor made."""
    home = context.registry_home
    return f"{home.host}/{home.prefix}{job.slug}-{job.repository_secret}:b{job.number}-{job.attempt}{f'-{name}' if name else ''}"


def _labels(bench: Bench) -> dict[str, str]:
    """OCI's own names, and those by which `slipyard down --purge` finds what is ours."""
    context, job, commit = bench.context, bench.job, bench.commit
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


def _secrets(job: BuildJob, plan: BuildPlan) -> dict[str, bytes]:
    """With what only the repository asks for: variables of the app, never a secret of run time."""
    values = job.variables.values
    return {name: values[name].encode() for name in plan.secrets if name in values} | job.secrets

"""All that an attempt at a build needs from the database, read at once."""

from dataclasses import dataclass, field

from sqlmodel import Session

from slipyard.domain.configuration import Configuration, SecretUse
from slipyard.domain.git_credential import GitCredential
from slipyard.domain.manifests.compose.filled import NO_VARIABLES, Variables
from slipyard.domain.source import Source
from slipyard.pipeline.context import Context
from slipyard.pipeline.sources.git_access import credential_for
from slipyard.store.configuration import configuration_of
from slipyard.store.tables import App, Build


@dataclass(frozen=True)
class BuildJob:
    build_id: str
    number: int
    attempt: int
    app_id: str
    mirror_of: str  # whose repository it is built from: a preview's is that of its app
    slug: str
    repository_secret: str
    source: Source
    ref: str | None
    commit: str | None
    snapshot_digest: str | None
    no_cache: bool
    cancel_reason: str | None
    credential: GitCredential | None = field(repr=False)
    secrets: dict[str, bytes] = field(repr=False)
    variables: Variables = NO_VARIABLES


def load_build(session: Session, context: Context, build_id: str) -> BuildJob:
    build = session.get_one(Build, build_id)
    app = session.get_one(App, build.app_id)
    configuration = configuration_of(session, context.cipher, app.id)
    source, secrets = _with_secrets(build.source, configuration)
    return BuildJob(
        build_id=build.id,
        number=build.number,
        attempt=build.attempt,
        app_id=app.id,
        mirror_of=app.parent_id or app.id,
        slug=app.slug,
        repository_secret=app.repository_secret,
        source=source,
        ref=build.ref,
        commit=build.commit,
        snapshot_digest=build.snapshot_digest,
        no_cache=build.no_cache,
        cancel_reason=build.cancel_reason,
        credential=credential_for(session, context.cipher, app, build.source),
        secrets=secrets,
        variables=Variables(configuration.env, configuration.secrets.keys()),
    )


def _with_secrets(source: Source, configuration: Configuration) -> tuple[Source, dict[str, bytes]]:
    """Secrets for builds are offered to each; of the variables those that the source names. A secret for run time is
    never there."""
    own = {
        name: secret.value or ""
        for name, secret in configuration.secrets.items()
        if secret.use is SecretUse.BUILD and secret.origin is None
    }
    values = {name: configuration.env[name] for name in source.build_secrets if name in configuration.env} | own
    names = sorted({*source.build_secrets, *own})
    return source.model_copy(update={"build_secrets": names}), {name: text.encode() for name, text in values.items()}

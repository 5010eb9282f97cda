"""Secrets that a repository asks for by name and that nobody knows: made up once, and kept from then on."""

import secrets

from sqlmodel import Session

from slipyard.domain.configuration import Configuration, Secret
from slipyard.domain.manifest import Manifest
from slipyard.pipeline.context import Context
from slipyard.store.configuration import By, configuration_of, write_configuration
from slipyard.store.events import record
from slipyard.store.tables import App

_BYTES = 32


def make_up_secrets(session: Session, context: Context, app: App, manifest: Manifest) -> None:
    """Each with a variable that refers to it. A preview reads the secrets of its app, so there the variable is the value."""
    found = configuration_of(session, context.cipher, app.id)
    missing = [name for name in manifest.generated if name not in found.env]
    if not missing:
        return
    made = {name: secrets.token_hex(_BYTES) for name in missing if name not in found.secrets}
    own = {} if app.parent_id is not None else {name: Secret(value=value) for name, value in made.items()}
    variables = {
        name: made[name] if app.parent_id is not None and name in made else f"${{secret:{name}}}" for name in missing
    }
    wanted = Configuration(env={**found.env, **variables}, secrets={**found.secrets, **own})
    said = f"Made up {', '.join(missing)}, which the repository asks for."
    now = context.clock.now()
    write_configuration(session, context.cipher, app.id, wanted, By("slipyard", now, said))
    record(session, app.id, "env.changed", said, now=now, names=missing, version=app.last_config)

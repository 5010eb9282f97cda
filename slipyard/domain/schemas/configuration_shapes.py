"""Shapes of the configuration of an app: its versions, what they differ in, its secrets, and stores elsewhere."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from slipyard.domain.configuration import EntryKind, SecretUse
from slipyard.domain.configuration_difference import Change
from slipyard.domain.explained import Explained
from slipyard.domain.schemas.incoming import Incoming
from slipyard.domain.schemas.outgoing import Outgoing, Page
from slipyard.domain.secret_store import MOST_SECRET_BYTES, StoreSettings

_NO_NUL = r"^[^\x00]*$"


class ConfigChanged(Outgoing):
    """What a change of variables or secrets did."""

    app_id: str
    message: str = Field(description="What restarts, and how")
    version: int
    changed: list[str] = Field(description="Names")
    deployment_id: str | None = Field(None, description="Of the release that has it; null where nothing restarts")
    release_id: str | None = None
    downtime: bool = Field(default=False, description="Requests wait meanwhile: the strategy is recreate")


class VersionEntryView(Outgoing):
    kind: EntryKind
    name: str
    fingerprint: str
    value: str | None = Field(None, description="Of variables, for who may write; never of secrets")


class ConfigVersionView(Outgoing):
    version: int
    current: bool
    live: bool = Field(description="The release that serves was made with it")
    actor: str
    summary: str
    created_at: datetime


class ConfigVersionDetail(ConfigVersionView):
    entries: list[VersionEntryView]


class ConfigVersionList(Page):
    versions: list[ConfigVersionView]


class ConfigExplained(Outgoing):
    """Where a value came from: app (somebody said so), default, Procfile, image, reference, deployment (this release
    only), slipyard, or a store of secrets."""

    app_id: str
    version: int = Field(description="Of variables and secrets")
    live_version: int | None
    values: list[Explained]


class DifferenceView(Outgoing):
    kind: EntryKind
    name: str
    change: Change
    before: str | None = Field(description="Fingerprint")
    after: str | None = Field(description="Fingerprint")
    value_before: str | None = Field(None, description="Of variables, for who may write")
    value_after: str | None = None


class ConfigDifference(Outgoing):
    app_id: str
    from_version: int
    to_version: int
    differences: list[DifferenceView]


class DotenvText(Incoming):
    text: str = Field(max_length=1024 * 1024, pattern=_NO_NUL)
    replace: bool = Field(default=False, description="Remove variables that the file does not name")


class SetSecret(Incoming):
    """`value`, or `origin`: a store elsewhere and a key in it."""

    other_names: ClassVar[dict[str, str]] = {"from": "origin", "for": "use"}

    value: str | None = Field(None, max_length=MOST_SECRET_BYTES, pattern=_NO_NUL, repr=False)
    origin: str | None = Field(None, max_length=600, examples=["vault:shop/db#password"])
    use: SecretUse = SecretUse.RUN
    path: str | None = Field(None, examples=["/run/secrets/key.pem"], description="A file in every container")
    mode: str = Field("0444", max_length=5)


class SecretView(Outgoing):
    name: str
    fingerprint: str
    origin: str | None = Field(description="Where it is read for each release; null where it is kept here")
    use: SecretUse
    path: str | None
    mode: str | None
    updated_at: datetime


class SecretList(Outgoing):
    app_id: str
    secrets: list[SecretView]
    total: int


class AddSecretStore(Incoming):
    name: str = Field(max_length=48)
    settings: StoreSettings


class SecretStoreView(Outgoing):
    id: str
    name: str
    kind: str
    place: str = Field(description="Its directory, program or address; tokens are never shown")
    created_at: datetime


class SecretStoreList(Outgoing):
    secret_stores: list[SecretStoreView]
    total: int


class TrySecretStore(Incoming):
    key: str = Field(max_length=500)

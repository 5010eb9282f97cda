"""How one webhook proves itself, where a generic body says what we need, and what was made for it at the provider."""

from typing import Literal

from pydantic import Field

from slipyard.domain.values import Value

Scheme = Literal["signature", "token", "basic", "none"]


class BodyFields(Value):
    """JSON pointers (RFC 6901) into the body of a generic webhook. Either a ref and a commit, or an image."""

    ref: str | None = Field(None, examples=["/ref"])
    commit: str | None = Field(None, examples=["/after"])
    message: str | None = None
    image: str | None = Field(None, examples=["/image"])
    tag: str | None = None
    digest: str | None = None
    delivery_id: str | None = Field(None, description="Default: the digest of the body")


class HookSettings(Value):
    """`scheme` None: the provider's own. It is fixed for each hook, never guessed from what a message carries."""

    scheme: Scheme | None = None
    header: str | None = Field(None, max_length=100, description="Where a generic sender puts its signature or token")
    fields: BodyFields = BodyFields()


class Installed(Value):
    """What `connect` made at the provider, so that `disconnect` can take exactly that back."""

    connection_id: str
    repository: str
    hook_id: str
    deploy_key_id: str | None = None
    credential_id: str | None = None
    repo_url_before: str | None = Field(None, description="Of the app, before it was fetched with the deploy key")

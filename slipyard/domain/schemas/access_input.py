"""Bodies of the calls about tokens and webhooks."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from slipyard.domain.actor import JOB
from slipyard.domain.hook import BodyFields, Scheme
from slipyard.domain.schemas.incoming import Incoming

Scope = Literal["apps:read", "apps:write", "apps:deploy", "admin"]


class CreateToken(Incoming):
    name: str = Field(min_length=1, max_length=100, examples=["ci"])
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=4)]
    expires_at: AwareDatetime | None = Field(None, description="UTC, RFC 3339; never by default")
    app: str | None = Field(None, max_length=100, description="Id or slug: good for this app only, and not as admin")
    person: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Whose it is, best as the code host calls them; default: yours. Nobody approves what they asked for",
        examples=["anna"],
    )

    @model_validator(mode="after")
    def _bound_is_no_admin(self) -> Self:
        if self.app is not None and "admin" in self.scopes:
            raise ValueError(
                "a token of one app cannot be an administrator; give it apps:read, apps:write or apps:deploy"
            )
        if self.person is not None and self.person.startswith(JOB):
            raise ValueError(
                f"persons whose name begins with {JOB!r} are jobs of a CI, which get their tokens by themselves"
            )
        return self

    @property
    def expiry(self) -> datetime | None:
        return self.expires_at


ProviderName = Literal[
    "github",
    "gitlab",
    "gitea",
    "forgejo",
    "bitbucket",
    "bitbucket-server",
    "azure-devops",
    "dockerhub",
    "registry",
    "generic",
]


class CreateHook(Incoming):
    """Without a scheme, the provider's own. `header` and `fields` are for generic webhooks."""

    nested = frozenset({"fields"})

    provider: ProviderName = "github"
    scheme: Scheme | None = Field(None, description="gitlab: token or signature (since 19.0)")
    header: str | None = Field(None, description="generic: where the signature or the token stands", max_length=100)
    fields: BodyFields | None = Field(None, description="generic: where the body says what was pushed")
    install: bool = Field(default=False, description="Make it at the provider too, whatever `provider` says")
    deploy_key: bool | None = Field(None, description="install: default where the repository cannot be read without")
    ssh_url: str | None = Field(
        None, max_length=512, description="install: where the deploy key opens; default by host"
    )

"""Which pushes deploy an app, beside those to its branch."""

from typing import Annotated

from pydantic import Field

from slipyard.domain.values import Value

Pattern = Annotated[str, Field(min_length=1, max_length=255)]


class PreviewRules(Value):
    """Pull and merge requests become apps of their own."""

    enabled: bool = False
    maximum: int = Field(5, ge=1, le=100, description="Previews of this app at once")
    ttl_hours: int = Field(168, ge=1, le=8760, description="Removed after so long without a new commit")
    branches: list[Pattern] = Field(
        default_factory=list, description="Only requests into these; default the app's branch"
    )
    env_vars: list[str] = Field(
        default_factory=list, description="Names of the app's variables that its previews get; none by default"
    )


class Triggers(Value):
    branches: list[Pattern] = Field(
        default_factory=list,
        max_length=50,
        description="Globs of further branches that deploy, `!` negates; `*` does not cross `/`",
    )
    tags: list[Pattern] = Field(
        default_factory=list, max_length=50, description="Globs of tags that deploy, such as v*"
    )
    after_check: str | None = Field(
        None, min_length=1, max_length=255, description="A push waits until this check of the provider has passed"
    )
    previews: PreviewRules = PreviewRules()

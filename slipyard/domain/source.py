"""Where an app comes from."""

from enum import StrEnum

from pydantic import Field

from slipyard.domain.values import Value


class SourceType(StrEnum):
    GIT = "git"  # `repo_url`, or the app's own remote where that is empty
    UPLOAD = "upload"  # tarballs sent to the API
    IMAGE = "image"  # an image built elsewhere


class Source(Value):
    type: SourceType = SourceType.GIT
    image: str | None = Field(None, description="Image reference, for type image")
    repo_url: str | None = Field(None, description="https or ssh URL; empty means the app's own git remote")
    branch: str = Field("main", max_length=255)
    subdirectory: str = Field("", description="Build from this directory of the tree")
    dockerfile: str | None = Field(None, description="Path in the tree, from `subdirectory`; default Dockerfile")
    build_command: str | None = Field(None, description="Run in the image where no Dockerfile is given")
    start_command: str | None = Field(None, description="Overrides the command of the image")
    build_args: dict[str, str] = Field(default_factory=dict)
    build_secrets: list[str] = Field(
        default_factory=list, description="Names of environment variables given to the build as secret mounts"
    )
    compose: str | None = Field(
        None, max_length=1000, description="A compose file in `subdirectory` says which services there are"
    )
    target: str | None = Field(None, description="Stage of the Dockerfile to build")
    credential_id: str | None = Field(None, description="A git credential of the organization, for `repo_url`")
    platform: str | None = Field(None, examples=["linux/amd64"])

    @property
    def own_remote(self) -> bool:
        return self.type is SourceType.GIT and not self.repo_url

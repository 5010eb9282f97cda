"""Git credentials as they are answered: never with their secret."""

from datetime import datetime

from pydantic import Field

from slipyard.domain.schemas.outgoing import Outgoing


class GitCredentialView(Outgoing):
    id: str
    name: str
    host: str
    kind: str = Field(description="token, basic or ssh")
    username: str
    public_key: str | None = Field(description="Of an ssh key: give it to the host as a deploy key")
    known_hosts: str = Field(description="Keys that the ssh host must show; empty until it showed the first")
    app_id: str | None = Field(description="A deploy key that was made for one app")
    created_at: datetime
    used_at: datetime | None


class GitCredentialDetail(GitCredentialView):
    apps: list[str] = Field(description="Slugs of the apps that use it")


class GitCredentialList(Outgoing):
    git_credentials: list[GitCredentialView]
    total: int


class GitAccessTest(Outgoing):
    success: bool = Field(description="Whether the repository may be read with this credential")
    message: str
    repo_url: str
    commit: str | None = Field(description="The head of its default branch")

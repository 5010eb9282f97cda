"""Previews as they are answered."""

from datetime import datetime

from pydantic import Field

from slipyard.domain.schemas.outgoing import Outgoing, Page


class PreviewView(Outgoing):
    id: str
    number: int = Field(description="Of the request; from 1000001 on for a branch without one")
    app_id: str = Field(description="The app that is previewed")
    preview_app_id: str | None = Field(description="The app that shows it; null while it waits")
    slug: str | None
    status: str = Field(description="waiting, closed, or the status of the app that shows it")
    reason: str = Field(description="Why it waits or is closed")
    preview_url: str | None = Field(description="Where it answers, once it is live")
    provider: str
    repository: str
    branch: str
    commit: str
    approved_commit: str | None = Field(description="Of a fork: the commit that somebody let in")
    fork: bool
    title: str
    author: str
    request_url: str
    last_commit_at: datetime
    created_at: datetime
    closed_at: datetime | None


class PreviewList(Page):
    previews: list[PreviewView]

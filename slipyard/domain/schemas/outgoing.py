"""What we answer: snake_case, UTC times ending in Z, every field always there."""

from pydantic import BaseModel, ConfigDict, Field


class Outgoing(BaseModel):
    model_config = ConfigDict(frozen=True)


class Page(Outgoing):
    """The frame of every list; the items stand beside it under their plural name."""

    total: int
    limit: int
    offset: int
    page: int = Field(description="From 1")
    page_size: int
    has_more: bool


class Action(Outgoing):
    """The answer of everything that starts, stops, builds or ships: 202, or 200 where nothing was left to do."""

    success: bool = True
    message: str
    app_id: str
    status: str = Field(description="Of the deployment where there is one, else of the app")
    deployment_id: str | None = None
    release_id: str | None = None
    build_id: str | None = None
    way_back: str | None = Field(None, description="How a rollback got there: thawed, started or pulled")
    beforehand: str | None = Field(None, description="What visitors are going to notice of it, and have not yet")
    preflight_warnings: list[str] = Field(default_factory=list)


class WayBackView(Outgoing):
    """What a rollback would do; nothing was changed."""

    success: bool = True
    message: str
    app_id: str
    deployment_id: str = Field(description="The one whose release would come back")
    release_id: str | None
    way: str = Field(description="thawed, started, pulled, or gone where its image is nowhere")
    changes: list[str] = Field(description="In words; of variables only their names")


class Done(Outgoing):
    success: bool = True
    message: str


class ProblemDetail(Outgoing):
    field: str
    message: str


class Problem(Outgoing):
    code: str = Field(examples=["not_found"])
    message: str
    status: int = Field(examples=[404])
    details: list[ProblemDetail] = Field(default_factory=list)
    request_id: str | None = None


class ErrorAnswer(Outgoing):
    error: Problem

"""The filters of the list of apps, also in the words of other platforms."""

from typing import Annotated

from fastapi import Depends, Query

from slipyard.api.access.dependencies import ActorDep
from slipyard.api.routes.paging import WindowDep
from slipyard.domain.app_status import AppStatus
from slipyard.domain.errors import FieldProblem, InsufficientScope, ValidationFailed
from slipyard.domain.schemas.incoming import snake_case
from slipyard.store.queries.app_list import AppFilter

_OTHER_WORDS = {
    "pending": frozenset({AppStatus.CREATING, AppStatus.BUILDING}),
    "queued": frozenset({AppStatus.CREATING, AppStatus.BUILDING}),
    "error": frozenset({AppStatus.FAILED}),
}


async def app_filter(
    actor: ActorDep,
    window: WindowDep,
    status: Annotated[str | None, Query(description="running, failed, ...", examples=["running"])] = None,
    environment: Annotated[str | None, Query(max_length=63)] = None,
    search: Annotated[str | None, Query(max_length=200, description="In name and description")] = None,
    label: Annotated[list[str] | None, Query(description="key:value; all of them must be there")] = None,
    sort: Annotated[str, Query(description="Field and direction", examples=["name:asc"])] = "created_at:desc",
    include_deleted: Annotated[bool, Query(description="Administrators only")] = False,
) -> AppFilter:
    if include_deleted and not actor.may("admin"):
        raise InsufficientScope("Deleted apps are shown to administrators only. Leave include_deleted out.")
    return AppFilter(
        organization_id=actor.organization_id,
        app_id=actor.app_id,
        statuses=_statuses(status),
        environment=environment,
        search=search,
        labels=_labels(label or []),
        include_deleted=include_deleted,
        sort=snake_case(sort),
        limit=window.limit,
        offset=window.offset,
    )


def _statuses(word: str | None) -> frozenset[AppStatus]:
    if not word:
        return frozenset()
    if word in _OTHER_WORDS:
        return _OTHER_WORDS[word]
    try:
        return frozenset({AppStatus(word)})
    except ValueError as error:
        known = ", ".join([*AppStatus, *_OTHER_WORDS])
        detail = FieldProblem("status", f"one of {known}")
        raise ValidationFailed(f"There is no status {word!r}; use one of {known}.", details=[detail]) from error


def _labels(given: list[str]) -> dict[str, str]:
    pairs = [label.partition(":") for label in given]
    if any(not separator for _, separator, _ in pairs):
        detail = FieldProblem("label", "must look like team:backend")
        raise ValidationFailed("A label filter is written key:value.", details=[detail])
    return {key: value for key, _, value in pairs}


AppFilterDep = Annotated[AppFilter, Depends(app_filter)]

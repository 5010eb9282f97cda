"""`?limit&offset` or `?page&page_size`: one window, whichever way it was asked for."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query

DEFAULT_LIMIT = 20
MAXIMUM_LIMIT = 100


@dataclass(frozen=True)
class Window:
    limit: int
    offset: int

    def frame(self, total: int, count: int) -> dict[str, Any]:
        """The fields of a `Page` for a list of `count` items out of `total`."""
        return {
            "total": total,
            "limit": self.limit,
            "offset": self.offset,
            "page": self.offset // self.limit + 1,
            "page_size": self.limit,
            "has_more": self.offset + count < total,
        }


async def window(
    limit: Annotated[int | None, Query(ge=1, le=MAXIMUM_LIMIT, description="How many; default 20")] = None,
    offset: Annotated[int | None, Query(ge=0, le=1_000_000_000)] = None,
    page: Annotated[int | None, Query(ge=1, le=10_000_000, description="From 1; instead of offset")] = None,
    page_size: Annotated[int | None, Query(ge=1, le=MAXIMUM_LIMIT, description="Instead of limit")] = None,
) -> Window:
    size = limit or page_size or DEFAULT_LIMIT
    return Window(size, offset if offset is not None else ((page or 1) - 1) * size)


WindowDep = Annotated[Window, Depends(window)]

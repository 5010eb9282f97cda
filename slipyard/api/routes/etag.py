"""The version of an app as an ETag, and the version that a change insists on."""

from typing import Annotated

from fastapi import Depends, Header

from slipyard.domain.errors import UserError


def etag(version: int) -> str:
    return f'"{version}"'


async def if_version(
    if_match: Annotated[
        str | None, Header(description='The ETag that was read: `"3"`; 412 if it changed since')
    ] = None,
) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isdecimal() or len(text) > 18:  # noqa: PLR2004 - more than any version
        raise UserError("If-Match is not an ETag of an app; send back what GET answered in ETag.")
    return int(text)


IfVersion = Annotated[int | None, Depends(if_version)]

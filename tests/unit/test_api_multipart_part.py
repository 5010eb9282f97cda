"""One field of a multipart body, whatever way it is cut."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipyard.api.streams.multipart_part import part_of
from slipyard.domain.errors import UserError

KIND = "multipart/form-data; boundary=edge"


def body(**fields: bytes) -> bytes:
    parts = [
        b'--edge\r\nContent-Disposition: form-data; name="%s"; filename="x.tar"\r\n\r\n%s\r\n' % (name.encode(), data)
        for name, data in fields.items()
    ]
    return b"".join(parts) + b"--edge--\r\n"


async def stream(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def read(data: bytes, kind: str = KIND, size: int = 64) -> bytes:
    return b"".join([chunk async for chunk in part_of(stream(data, size), kind, "source")])


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (body(other=b"x"), KIND),
        (body(source=b"x")[:-12], KIND),
        (b"no boundary at all", KIND),
        (b"", KIND),
        (body(source=b"x"), "multipart/form-data"),
    ],
)
async def test_a_body_without_the_field_is_the_senders_fault(data: bytes, kind: str) -> None:
    with pytest.raises(UserError):
        await read(data, kind)


@given(st.binary(max_size=500), st.integers(1, 100))
async def test_the_field_arrives_whole_however_it_is_cut(data: bytes, size: int) -> None:
    assert await read(body(before=b"1", source=data.replace(b"--edge", b""), after=b"2"), size=size) == data.replace(
        b"--edge", b""
    )


async def test_a_second_field_of_the_same_name_is_not_appended() -> None:
    assert await read(body(source=b"one")[: -len(b"--edge--\r\n")] + body(source=b"two")) == b"one"


async def test_a_body_that_is_not_multipart_is_taken_as_it_is() -> None:
    assert await read(b"tar", "application/x-tar") == b"tar"

"""Backups in a bucket of a real server: whole or not there, in one piece or in parts, and only for whoever has the key."""

from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from slipyard.clients.backup_places.bucket import Bucket
from slipyard.clients.outside_http import OutsideHttp
from slipyard.domain.backup import S3Place
from slipyard.domain.errors import NotFound, Unavailable, UserError
from tests.engine.s3_server import SECRET, S3Server, s3_server

PART = 5 * 1024 * 1024  # the least that the protocol allows
LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as started:
        yield started


def bucket(place: S3Place, secret: str = SECRET) -> Bucket:
    return Bucket(place, secret, OutsideHttp(LOOPBACK, seconds=60, most_bytes=2 * PART), part_bytes=PART)


async def pieces(data: bytes, error: Exception | None = None) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 700_000):
        yield data[start : start + 700_000]
    if error is not None:
        raise error


async def read(place: Bucket, name: str) -> bytes:
    return b"".join([piece async for piece in place.get(name)])


async def test_who_has_another_key_or_names_another_bucket_is_refused_with_a_sentence(server: S3Server) -> None:
    with pytest.raises(UserError, match="SignatureDoesNotMatch"):
        await bucket(server.place("first"), "another").put("a", pieces(b"x"))
    with pytest.raises(UserError, match=r"refused a: NoSuchBucket\. Check the bucket"):
        await bucket(server.place("first").model_copy(update={"bucket": "nowhere"})).put("a", pieces(b"x"))


@pytest.mark.parametrize("size", [10, PART, PART + 1, 2 * PART + 5])
async def test_what_is_put_is_got_again_and_gone_once_it_is_deleted(server: S3Server, size: int) -> None:
    place = bucket(server.place("second", prefix="of/slipyard/"))
    name, data = f"app-1/my data+ü/{size}.tar.zst", bytes(range(251)) * (size // 251 + 1)

    assert await place.put(name, pieces(data[:size])) == size

    assert (server.directory / "second/of/slipyard" / name).stat().st_size == size
    assert await read(place, name) == data[:size]
    await place.delete(name)
    await place.delete(name)
    with pytest.raises(NotFound):
        await read(place, name)


async def test_what_breaks_off_is_not_there(server: S3Server) -> None:
    place = bucket(server.place("third"))
    with pytest.raises(Unavailable, match="broke"):
        await place.put("half", pieces(bytes(3 * PART), Unavailable("It broke.")))
    with pytest.raises(NotFound):
        await read(place, "half")
    left: list[Path] = [each for each in (server.directory / "third").rglob("*") if each.is_file()]
    assert left == []

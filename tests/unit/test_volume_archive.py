"""Archives of volumes: packed, sealed and opened again in a stream; nothing that leads out of a volume passes."""

import asyncio
import dataclasses
import io
import tarfile
from collections.abc import AsyncIterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipyard.domain.errors import SourceRefused, TooLarge, Unavailable
from slipyard.pipeline.volumes.archive import LIMITS, pack, tally, unpack
from slipyard.pipeline.volumes.in_thread import InThread
from slipyard.store.stream_cipher import CHUNK, Opener, Sealer, StreamKey

KEY = StreamKey.derived_from(b"a secret")


def member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


async def pieces(data: bytes, size: int = 70_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def through(work, data: bytes):
    piped = InThread(pieces(data), work)
    whole = b"".join([piece async for piece in piped.output()])
    return whole, piped.result


async def unpacked(data: bytes, limits=LIMITS):
    return await through(lambda feed, write: unpack(feed, write, KEY, limits), data)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (member("../../etc/passwd", b"x"), "leads out of the volume"),
        (member("/etc/passwd", b"x"), "leads out of the volume"),
        (member("a", type=tarfile.LNKTYPE, linkname="../../etc/shadow"), "leads out of the volume"),
        (member("sda", type=tarfile.BLKTYPE), "is a device"),
    ],
)
async def test_what_leads_out_of_a_volume_is_refused(bad, why):
    with pytest.raises(SourceRefused, match=why):
        await unpacked(tar(bad))


async def test_what_is_too_much_or_breaks_off_is_refused():
    data = tar(member("a", b"x" * 300_000), member("b"))
    for limits in (dataclasses.replace(LIMITS, unpacked_bytes=100_000), dataclasses.replace(LIMITS, packed_bytes=100)):
        with pytest.raises(TooLarge):
            await unpacked(data, limits)
    with pytest.raises(SourceRefused, match="breaks off"):
        await unpacked(data[:200_000])


async def test_a_source_that_fails_is_what_the_reader_is_told():
    async def failing() -> AsyncIterator[bytes]:
        yield b"x" * 100
        raise Unavailable("The engine is away.")

    piped = InThread(failing(), lambda feed, write: pack(feed, write, None))
    with pytest.raises(Unavailable, match="is away"):
        _ = [piece async for piece in piped.output()]


async def test_whoever_stops_reading_ends_the_thread():
    data = tar(member("a", bytes(range(256)) * 40_000))
    piped = InThread(pieces(data), lambda feed, write: [write(feed.read(1000)) for _ in range(10_000)])
    output = piped.output()
    await anext(output)
    async with asyncio.timeout(30):
        await output.aclose()


@pytest.mark.parametrize("key", [None, KEY])
async def test_a_volume_comes_back_as_it_was(key):
    data = tar(
        member("./", type=tarfile.DIRTYPE, mode=0o750, uid=70, gid=71),
        member("./a", b"a" * 3_000_000, mode=0o600, uid=1_000_000_000, gid=5),
        member("./b", type=tarfile.LNKTYPE, linkname="./a"),
        member("./c", type=tarfile.SYMTYPE, linkname="/somewhere/else"),
        member("./p", type=tarfile.FIFOTYPE),
    )
    packed, told = await through(lambda feed, write: pack(feed, write, key), data)
    assert (told.entries, told.content_bytes) == (5, 3_000_000)
    assert len(packed) < 100_000
    assert (key is None) is packed.startswith(b"\x28\xb5\x2f\xfd")
    whole, again = await unpacked(packed)
    assert (whole, again) == (data, told)


async def test_the_digest_is_of_the_content_and_not_of_its_order_and_tells_every_change():
    one, two = member("./a", b"1", uid=1), member("b", b"2")
    digests = [
        (await InThread(pieces(tar(*members)), lambda feed, _: tally(feed)).read()).digest
        for members in (
            (one, two),
            (two, one),
            (member("a", b"1", uid=1), two),
            (member("a", b"1", uid=2), two),
            (member("a", b"1", uid=1, mode=0o600), two),
            (member("a", b"3", uid=1), two),
            (two,),
        )
    ]
    assert digests[0] == digests[1] == digests[2]
    assert len(set(digests)) == 5


def sealed(data: bytes, key: StreamKey = KEY) -> bytes:
    sealer = Sealer(key)
    return sealer.feed(data[:10]) + sealer.feed(data[10:]) + sealer.finish()


def opened(data: bytes, key: StreamKey = KEY) -> bytes:
    opener = Opener(io.BytesIO(data).read, key)
    return b"".join(iter(partial(opener.read, 65_536), b""))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5])
def test_what_is_sealed_opens_at_every_length(size):
    data = bytes(size)
    assert opened(sealed(data)) == data


def test_another_key_is_told_by_its_id():
    other = StreamKey.derived_from(b"another")
    with pytest.raises(SourceRefused, match=f"sealed with the key {other.id}"):
        opened(sealed(b"x", other))


@given(st.data())
def test_no_byte_of_a_sealed_stream_can_change_go_or_come(data):
    whole = bytearray(sealed(bytes(CHUNK + 100)))
    at = data.draw(st.integers(0, len(whole) - 1))
    what = data.draw(st.sampled_from(["change", "cut", "add"]))
    if what == "change":
        whole[at] ^= 1 << data.draw(st.integers(0, 7))
    elif what == "cut":
        del whole[at:]
    else:
        whole += b"more"
    with pytest.raises(SourceRefused):
        opened(bytes(whole))


def test_chunks_cannot_be_put_together_anew():
    whole = sealed(bytes(2 * CHUNK) + b"end")
    chunk = 4 + CHUNK + 16
    first, second = whole[32 : 32 + chunk], whole[32 + chunk : 32 + 2 * chunk]
    with pytest.raises(SourceRefused):
        opened(whole[:32] + second + first + whole[32 + 2 * chunk :])
    with pytest.raises(SourceRefused):
        opened(whole[: 32 + chunk])

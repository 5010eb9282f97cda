"""The frames of git's protocol (gitprotocol-common(5)): four hex digits of length, then data; 0000 is a flush."""

from collections.abc import AsyncIterator, Iterator

from slipyard.domain.errors import UserError

FLUSH = b"0000"
KEEPALIVE = b"0005\x01"  # an empty packet of data, as git's own receive-pack sends it
PROGRESS = 2  # the side band whose lines a client shows as "remote: ..."
_LARGEST_PACKET = 65520
_HEADER = 4


def packet(data: bytes) -> bytes:
    return b"%04x" % (len(data) + _HEADER) + data


def remote_lines(*lines: str) -> bytes:
    """Lines that the client shows as `remote: ...`, in packets of the size that side-band-64k allows."""
    text = "".join(f"{line}\n" for line in lines).encode()
    return b"".join(packet(bytes([PROGRESS]) + part) for part in _parts(text, _LARGEST_PACKET - _HEADER - 1))


def _parts(text: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


class PacketReader:
    """Reads packets from the beginning of a stream; keeps what it read, and hands the rest on untouched."""

    def __init__(self, source: AsyncIterator[bytes], maximum: int) -> None:
        self._source, self._maximum = source, maximum
        self._buffer = b""
        self.taken = bytearray()

    async def packets_until_flush(self) -> list[bytes]:
        found: list[bytes] = []
        while (data := await self._packet()) is not None:
            found.append(data)
        return found

    async def peek(self, count: int) -> bytes:
        """What comes next, without taking it; less where the stream ends before."""
        while len(self._buffer) < count and (chunk := await anext(self._source, b"")):
            self._buffer += chunk
        return self._buffer[:count]

    async def rest(self) -> AsyncIterator[bytes]:
        if self._buffer:
            yield self._buffer
        async for chunk in self._source:
            yield chunk

    async def _packet(self) -> bytes | None:
        header = await self._take(_HEADER)
        length = _length(header)
        if length == 0:
            return None
        return await self._take(length - _HEADER)

    async def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            chunk = await anext(self._source, b"")
            if not chunk:
                raise UserError("The request of git ended in the middle of a packet. Push again.")
            self._buffer += chunk
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        self.taken += data
        if len(self.taken) > self._maximum:
            raise UserError("This push names too many refs at once. Push fewer branches and tags at a time.")
        return data


def _length(header: bytes) -> int:
    try:
        length = int(header, 16)
    except ValueError:
        length = -1
    if length != 0 and not _HEADER < length <= _LARGEST_PACKET:
        raise UserError("This is not a request of git: a packet has an impossible length. Use `git push`.")
    return length

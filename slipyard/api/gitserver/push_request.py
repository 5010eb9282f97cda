"""What a client of receive-pack asks for, before the pack: ref updates, capabilities, push options (gitprotocol-pack(5))."""

import re
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass

from slipyard.api.gitserver.pkt_line import PacketReader
from slipyard.domain.errors import UserError
from slipyard.domain.ref_update import RefUpdate

_MAXIMUM_PREFIX_BYTES = 1024 * 1024
_COMMAND = re.compile(
    rb"(?P<old>[0-9a-f]{40}|[0-9a-f]{64}) (?P<new>[0-9a-f]{40}|[0-9a-f]{64}) (?P<ref>[^\x00-\x20\x7f]+)"
)
_PACK_HEADER = struct.Struct(">4sII")  # PACK, version, number of objects


@dataclass(frozen=True)
class PushRequest:
    updates: tuple[RefUpdate, ...]
    capabilities: frozenset[str]
    options: frozenset[str]
    objects: int = 0  # that its pack says to have

    @property
    def shows_progress(self) -> bool:
        """`quiet` is sent by every client without a terminal, so it says nothing about who reads."""
        return "side-band-64k" in self.capabilities

    @property
    def new_branches(self) -> list[str]:
        return [update.branch for update in self.updates if update.branch and not update.deletes]


async def read_push_request(body: AsyncIterator[bytes]) -> tuple[PushRequest, AsyncIterator[bytes]]:
    """The request, and the whole body again, for receive-pack."""
    reader = PacketReader(body, _MAXIMUM_PREFIX_BYTES)
    lines = await reader.packets_until_flush()
    commands, capabilities = _commands(lines)
    options: list[bytes] = []
    if "push-options" in capabilities and commands:
        options = await reader.packets_until_flush()
    request = PushRequest(
        tuple(commands),
        capabilities,
        frozenset(option.decode(errors="replace").strip() for option in options),
        _objects(await reader.peek(_PACK_HEADER.size)),
    )
    return request, _again(bytes(reader.taken), reader)


def _objects(header: bytes) -> int:
    """0 where there is no pack, as with a push that only deletes (gitformat-pack(5)); git itself judges the rest."""
    if len(header) < _PACK_HEADER.size or not header.startswith(b"PACK"):
        return 0
    return int(_PACK_HEADER.unpack(header)[2])


async def _again(taken: bytes, reader: PacketReader) -> AsyncIterator[bytes]:
    yield taken
    async for chunk in reader.rest():
        yield chunk


def _commands(lines: list[bytes]) -> tuple[list[RefUpdate], frozenset[str]]:
    capabilities: frozenset[str] = frozenset()
    updates: list[RefUpdate] = []
    for line in lines:
        if line.startswith(b"shallow "):
            continue
        command, zero, words = line.partition(b"\0")
        if zero and not updates:
            capabilities = frozenset(words.decode(errors="replace").split())
        updates.append(_update(command.rstrip(b"\n")))
    return updates, capabilities


def _update(command: bytes) -> RefUpdate:
    found = _COMMAND.fullmatch(command)
    if found is None:
        raise UserError("This is not a push that Slipyard understands: a ref update is malformed. Use `git push`.")
    return RefUpdate(found["old"].decode(), found["new"].decode(), found["ref"].decode(errors="surrogateescape"))

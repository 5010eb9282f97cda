"""A file of fixed size that remembers a value for each 15 s of a day and for each 5 min of 30 days.

    4096 bytes   totals, twice (2048 bytes each): whoever writes one leaves the other alone
    fine         5760 slots
    coarse       8640 slots

A slot is the time of its step (seconds since the epoch, 32 bits), a CRC-32 of time and payload, the payload; the place of a
step is its number modulo the slots. A slot that is torn, or from a round before, is no value: nothing needs repair after a
crash. Slots are powers of two, so that none lies across two blocks of the disk. Parts that were never written take no disk.
"""

import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

_HEAD = struct.Struct("<II")
_TOTALS_BYTES = 2048
_TOTALS = 2


@dataclass(frozen=True)
class Level:
    """`step` in seconds."""

    step: int
    slots: int

    @property
    def seconds(self) -> int:
        return self.step * self.slots

    def begin(self, moment: float) -> int:
        """Of the step in which this moment lies."""
        return int(moment) // self.step * self.step


FINE = Level(15, 5760)
COARSE = Level(300, 8640)
_LEVELS = (FINE, COARSE)


@dataclass(frozen=True)
class Ring:
    """`payload` is the size of a value in bytes. Blocking; one writer at a time, readers whenever they like."""

    path: str
    payload: int

    def write(self, moment: int, value: bytes, totals: bytes, coarse: Mapping[int, bytes]) -> None:
        """A fine value, the totals up to it, and what there is for coarse steps, all with one open file."""
        with self._open_for_writing() as file:
            os.pwrite(file, self._sealed(moment, value), self._place(FINE, moment))
            for begin, summary in coarse.items():
                os.pwrite(file, self._sealed(begin, summary), self._place(COARSE, begin))
            os.pwrite(file, _seal(moment, totals), (moment // FINE.step % _TOTALS) * _TOTALS_BYTES)

    def read(self, level: Level, first: int, last: int) -> list[tuple[int, bytes]]:
        """Values of the steps that begin from `first` to `last`, in their order; none where nothing was measured."""
        begin = max(level.begin(first), level.begin(last) - level.seconds + level.step)
        with self._open_for_reading() as file:
            return list(self._values(file, level, begin, level.begin(last))) if file is not None else []

    def totals(self) -> tuple[int, bytes] | None:
        """The newest that are whole, with the moment of their last step."""
        with self._open_for_reading() as file:
            copies = [] if file is None else [_opened(os.pread(file, _TOTALS_BYTES, _TOTALS_BYTES * n)) for n in (0, 1)]
        return max((copy for copy in copies if copy is not None), default=None)

    @property
    def slot(self) -> int:
        return _HEAD.size + self.payload

    @property
    def size(self) -> int:
        return _TOTALS * _TOTALS_BYTES + self.slot * sum(level.slots for level in _LEVELS)

    def _values(self, file: int, level: Level, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
        for start, count in _runs(level, begin, end):
            data = os.pread(file, count * self.slot, self._place(level, start))
            for number in range(count):
                moment, part = start + number * level.step, data[number * self.slot : (number + 1) * self.slot]
                if (
                    len(part) == self.slot
                    and part != bytes(self.slot)
                    and _HEAD.unpack_from(part)
                    == (
                        moment,
                        _checksum(moment, part[_HEAD.size :]),
                    )
                ):
                    yield moment, part[_HEAD.size :]

    def _place(self, level: Level, moment: int) -> int:
        before = 0 if level is FINE else FINE.slots
        return _TOTALS * _TOTALS_BYTES + (before + moment // level.step % level.slots) * self.slot

    def _sealed(self, moment: int, value: bytes) -> bytes:
        return _HEAD.pack(moment, _checksum(moment, value)) + value

    @contextmanager
    def _open_for_writing(self) -> Iterator[int]:
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            Path(self.path).parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.ftruncate(file, self.size)
        try:
            yield file
        finally:
            os.close(file)

    @contextmanager
    def _open_for_reading(self) -> Iterator[int | None]:
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            yield None
            return
        try:
            yield file
        finally:
            os.close(file)


def _runs(level: Level, begin: int, end: int) -> Iterable[tuple[int, int]]:
    """(first moment, how many) of the one or two stretches of the file that hold these steps."""
    count = (end - begin) // level.step + 1
    if count <= 0:
        return ()
    until_edge = level.slots - begin // level.step % level.slots
    if count <= until_edge:
        return ((begin, count),)
    return ((begin, until_edge), (begin + until_edge * level.step, count - until_edge))


def _seal(moment: int, totals: bytes) -> bytes:
    return _HEAD.pack(moment, _checksum(moment, totals)) + struct.pack("<I", len(totals)) + totals


def _opened(copy: bytes) -> tuple[int, bytes] | None:
    if len(copy) < _HEAD.size + 4:
        return None
    moment, checksum = _HEAD.unpack_from(copy)
    (length,) = struct.unpack_from("<I", copy, _HEAD.size)
    totals = copy[_HEAD.size + 4 : _HEAD.size + 4 + length]
    return (moment, totals) if moment and checksum == _checksum(moment, totals) else None


def _checksum(moment: int, value: bytes) -> int:
    return crc32(value, moment & 0xFFFFFFFF)

"""How a value of a series is written in a ring: numbers side by side, little-endian."""

import struct
from typing import Generic, Protocol, TypeVar

from slipyard.domain.traffic import BUCKETS, CLASSES, Traffic
from slipyard.domain.usage import Consumed, Usage

Value = TypeVar("Value")
Total = TypeVar("Total")
_MOST = 0xFFFFFFFF


class Codec(Protocol, Generic[Value, Total]):
    """Values are what a slot holds, totals what was counted since the series began."""

    payload: int

    def pack(self, value: Value) -> bytes: ...

    def unpack(self, data: bytes) -> Value: ...

    def pack_total(self, total: Total) -> bytes: ...

    def unpack_total(self, data: bytes) -> Total: ...


class UsageCodec(Codec[Usage, Consumed]):
    """64 bytes a slot: twelve floats of 32 bits, and room."""

    _value = struct.Struct("<12f8x")
    _total = struct.Struct("<5d")
    payload = _value.size

    def pack(self, value: Usage) -> bytes:
        return self._value.pack(*value.numbers)

    def unpack(self, data: bytes) -> Usage:
        return Usage(*self._value.unpack(data))

    def pack_total(self, total: Consumed) -> bytes:
        return self._total.pack(*total.numbers)

    def unpack_total(self, data: bytes) -> Consumed:
        return Consumed(*self._total.unpack(data))


class TrafficCodec(Codec[Traffic, Traffic]):
    """256 bytes a slot: the classes and the buckets as 32 bits each, the seconds as a float."""

    _value = struct.Struct(f"<f{CLASSES + BUCKETS}I")
    _total = struct.Struct(f"<d{CLASSES + BUCKETS}Q")
    payload = _value.size

    def pack(self, value: Traffic) -> bytes:
        counts = (min(count, _MOST) for count in (*value.classes, *value.buckets))
        return self._value.pack(value.seconds, *counts)

    def unpack(self, data: bytes) -> Traffic:
        return _traffic(self._value.unpack(data))

    def pack_total(self, total: Traffic) -> bytes:
        return self._total.pack(total.seconds, *total.classes, *total.buckets)

    def unpack_total(self, data: bytes) -> Traffic:
        return _traffic(self._total.unpack(data))


def _traffic(numbers: tuple[float, ...]) -> Traffic:
    seconds, *counts = numbers
    whole = [int(count) for count in counts]
    return Traffic(tuple(whole[:CLASSES]), tuple(whole[CLASSES:]), seconds)

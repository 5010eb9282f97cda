"""What the trailer of a failed call says beside its message: the place in the Dockerfile and the failing step."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from google.protobuf.message import DecodeError, Message
from grpclib.const import Status
from grpclib.encoding.base import StatusDetailsCodecBase

from slipyard.builder.buildkit.protocol import failure_pb2


@dataclass(frozen=True)
class FailureDetails:
    """`line` counts from 1; `step` is the digest of the vertex."""

    file: str = ""
    line: int | None = None
    step: str = ""

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class FailureDetailsCodec(StatusDetailsCodecBase):
    """Never raises: details that are not understood must not hide the error that they belong to."""

    def encode(self, _status: Status, _message: str | None, _details: Sequence[Message]) -> bytes:
        return b""

    def decode(self, _status: Status, _message: str | None, data: bytes) -> FailureDetails:
        details = FailureDetails()
        try:
            for detail in failure_pb2.Status.FromString(data).details:
                details = _with_detail(details, detail.type_url, json.loads(detail.value))
        except (DecodeError, ValueError, TypeError, KeyError, AttributeError):
            return details
        return details


def _with_detail(details: FailureDetails, kind: str, value: dict[str, Any]) -> FailureDetails:
    if "errdefs.Vertex" in kind:
        return replace(details, step=value.get("digest", ""))
    if "errdefs.Source" in kind:
        lines = [place["start"]["line"] for place in value.get("ranges") or [] if place.get("start", {}).get("line")]
        return replace(details, file=value.get("info", {}).get("filename", ""), line=min(lines, default=None))
    return details

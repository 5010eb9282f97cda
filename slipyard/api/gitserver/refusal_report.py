"""A push that is not let in, told in the words of receive-pack (gitprotocol-pack(5)), so that git shows the reason."""

from slipyard.api.gitserver.pkt_line import FLUSH, packet, remote_lines
from slipyard.api.gitserver.push_request import PushRequest

_STATUS = 1  # the side band of the report


def why_too_many(request: PushRequest, maximum: int) -> str | None:
    if request.objects <= maximum:
        return None
    return (
        f"this push has {request.objects} objects, and {maximum} are taken at once (SLIPYARD_MAX_PUSH_OBJECTS):"
        " push an older commit first, or less history with a shallow clone"
    )


def refusal_report(request: PushRequest, reason: str) -> bytes:
    lines = [f"unpack {reason}\n", *(f"ng {update.ref} {reason}\n" for update in request.updates)]
    report = b"".join(packet(line.encode(errors="surrogateescape")) for line in lines) + FLUSH
    if not request.shows_progress:
        return report
    size = 65_000  # below what side-band-64k takes
    parts = [report[start : start + size] for start in range(0, len(report), size)]
    return remote_lines(reason) + b"".join(packet(bytes([_STATUS]) + part) for part in parts) + FLUSH

"""BuildKit's Control service, as far as we call it."""

from grpclib.client import Channel, StreamStreamMethod, UnaryStreamMethod, UnaryUnaryMethod

from slipyard.builder.buildkit.protocol.control_pb2 import (
    BytesMessage,
    DiskUsageRequest,
    DiskUsageResponse,
    InfoRequest,
    InfoResponse,
    PruneRequest,
    SolveRequest,
    SolveResponse,
    StatusRequest,
    StatusResponse,
    UsageRecord,
)


class Control:
    def __init__(self, channel: Channel) -> None:
        service = "/moby.buildkit.v1.Control"
        self.solve = UnaryUnaryMethod(channel, f"{service}/Solve", SolveRequest, SolveResponse)
        self.status = UnaryStreamMethod(channel, f"{service}/Status", StatusRequest, StatusResponse)
        self.session = StreamStreamMethod(channel, f"{service}/Session", BytesMessage, BytesMessage)
        self.info = UnaryUnaryMethod(channel, f"{service}/Info", InfoRequest, InfoResponse)
        self.disk_usage = UnaryUnaryMethod(channel, f"{service}/DiskUsage", DiskUsageRequest, DiskUsageResponse)
        self.prune = UnaryStreamMethod(channel, f"{service}/Prune", PruneRequest, UsageRecord)

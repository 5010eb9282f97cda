"""What every sink promises, and how one is chosen."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from slipyard.clients.log_sinks.http_sink import HttpSink
from slipyard.clients.log_sinks.loki import LokiSink
from slipyard.clients.log_sinks.syslog import SyslogSink, parse_syslog_url
from slipyard.domain.drain import DrainKind, DrainLine
from slipyard.domain.network_rules import Network
from slipyard.domain.outside_url import parse_outside_url


class LogSink(Protocol):
    async def send(self, lines: Sequence[DrainLine]) -> None:
        """One attempt. `SystemFault` where the same lines may arrive later, `UserError` where they never will."""

    async def close(self) -> None: ...


@dataclass(frozen=True)
class SinkTarget:
    """`authorization` is the whole value of that header; `tenant` is Loki's."""

    kind: DrainKind
    url: str = field(repr=False)
    authorization: str | None = field(default=None, repr=False)
    tenant: str | None = None


def sink_for(target: SinkTarget, host: str, allowed_networks: Sequence[Network]) -> LogSink:
    """`host` is who we are, for syslog."""
    if target.kind is DrainKind.SYSLOG:
        return SyslogSink(parse_syslog_url(target.url), host, allowed_networks)
    headers = {} if target.authorization is None else {"Authorization": target.authorization}
    if target.kind is DrainKind.LOKI:
        tenant = {} if target.tenant is None else {"X-Scope-OrgID": target.tenant}
        return LokiSink(target.url, headers | tenant, allowed_networks)
    return HttpSink(target.url, headers, allowed_networks)


def check_target(target: SinkTarget, allowed_networks: Sequence[Network]) -> None:
    """`SourceRefused` for a URL that is none of its kind, or that may not be called."""
    if target.kind is DrainKind.SYSLOG:
        parse_syslog_url(target.url)
    else:
        parse_outside_url(target.url, allowed_networks)

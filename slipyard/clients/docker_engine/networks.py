"""Networks: one for each app, with a subnet that we chose."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any

from docker.types import IPAMConfig, IPAMPool

from slipyard.clients.container_engine import NetworkSpec
from slipyard.clients.docker_engine.connection import Connection
from slipyard.clients.docker_engine.labels import label_filter
from slipyard.clients.docker_engine.neighbours import ask_again_soon
from slipyard.domain.errors import Conflict, NotFound


class Networks:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create_network(self, spec: NetworkSpec) -> None:
        there = await self._network(spec.name)
        if there is None:
            there = await self._create(spec)
        if (there.subnet, there.labels) != (spec.subnet, dict(spec.labels)):
            raise Conflict(
                f"A network {spec.name} is already there with the subnet {there.subnet} instead of {spec.subnet}, or "
                "with other labels. Remove it from the engine, or use another name."
            )

    async def remove_network(self, name: str) -> None:
        try:
            await self._connection.call(f"remove the network {name}", lambda api: api.remove_network(name))
        except NotFound:
            return

    async def networks(self, labels: Mapping[str, str]) -> Sequence[NetworkSpec]:
        filters = {"label": label_filter(labels)}
        rows = await self._connection.call("list networks", lambda api: api.networks(filters=filters))
        return [_spec(row) for row in rows]

    async def _create(self, spec: NetworkSpec) -> NetworkSpec:
        """The name is the fence between two creators: the one that comes second finds what the first one made."""
        try:
            await self._connection.call(f"create the network {spec.name}", lambda api: _create(api, spec))
        except Conflict:
            there = await self._network(spec.name)
            if there is None:
                raise
            return there
        return spec

    async def _network(self, name: str) -> NetworkSpec | None:
        try:
            row = await self._connection.call(f"inspect the network {name}", lambda api: _inspect(api, name))
        except NotFound:
            return None
        return _spec(row)


def _create(api: Any, spec: NetworkSpec) -> None:
    gateway = str(next(IPv4Network(spec.subnet).hosts()))
    ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=spec.subnet, gateway=gateway)])
    made = api.create_network(spec.name, driver="bridge", ipam=ipam, labels=dict(spec.labels), check_duplicate=True)
    ask_again_soon(made["Id"])


def _inspect(api: Any, name: str) -> Any:
    """Also of one that is there: a reboot forgets it."""
    row = api.inspect_network(name)
    ask_again_soon(row["Id"])
    return row


def _spec(row: Mapping[str, Any]) -> NetworkSpec:
    pools = row["IPAM"]["Config"] or [{}]
    return NetworkSpec(row["Name"], pools[0].get("Subnet", ""), row["Labels"] or {})

"""An installation with many live apps, made by copying the rows of one, and the answer of an engine that runs them all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlmodel import Session, SQLModel, select

from slipyard.clients.container_engine import ContainerState
from slipyard.clients.docker_engine.container_state import listed
from slipyard.deployer.addresses import next_address, subnet_at
from slipyard.deployer.docker import names
from slipyard.domain.ids import new_id
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.store.tables import App, Deployment, Instance, Release
from tests.flow.system import System

Row = TypeVar("Row", bound=SQLModel)


@dataclass(frozen=True)
class ListAnswer:
    """What `GET /containers/json` says of all instances, as bytes: the engine's own time is not measured here."""

    body: bytes

    def read(self) -> list[ContainerState]:
        return [listed(row) for row in json.loads(self.body)]


def copy_app(system: System, app_id: str, count: int) -> None:
    """Until there are `count` live apps like this one."""
    pool = system.context.settings.network_pool
    with system.context.database.write() as session:
        app = session.get_one(App, app_id)
        release, deployment, instance = (
            session.exec(select(kind).where(kind.app_id == app_id)).one() for kind in (Release, Deployment, Instance)
        )
        for number in range(1, count):
            subnet = subnet_at(pool, number)
            ours = _copied(session, app, id=new_id("app"), slug=f"shop-{number}", host=f"shop-{number}", subnet=subnet)
            of = {"app_id": ours.id, "release_id": _copied(session, release, id=new_id("rel"), app_id=ours.id).id}
            of_all = of | {"deployment_id": _copied(session, deployment, id=new_id("dep"), **of).id}
            place = {"address": next_address(subnet, None, ()), "container_id": f"{number:064x}"}
            _copied(session, instance, id=new_id("ins"), **of_all, **place)


def serving_instances(system: System) -> list[Instance]:
    query = select(Instance).where(Instance.status == InstanceStatus.SERVING)
    return system.read(lambda session: list(session.exec(query)))


def list_answer(system: System) -> ListAnswer:
    rows = [_row(system.context.installation_id, each) for each in serving_instances(system)]
    return ListAnswer(json.dumps(rows).encode())


def _copied(session: Session, row: Row, **fields: Any) -> Row:
    """Columns that hold models keep them as they are: `model_dump` would make dictionaries of them."""
    values = {name: getattr(row, name) for name in type(row).model_fields}
    made = type(row)(**(values | fields))
    session.add(made)
    session.flush()
    return made


def _row(installation_id: str, row: Instance) -> Mapping[str, Any]:
    """With all the fields that Docker 20.10 gives."""
    network = names.network_name(installation_id, row.app_id)
    return {
        "Id": row.container_id,
        "Names": [f"/{names.container_name(installation_id, row.id)}"],
        "Image": "registry.example/shop:1",
        "ImageID": f"sha256:{'0' * 64}",
        "Command": "/sbin/docker-init -- /bin/sh -c 'exec httpd -f -p $PORT -h /www'",
        "Created": 1764000000,
        "Ports": [{"PrivatePort": 3000, "Type": "tcp"}],
        "Labels": {
            names.INSTALLATION: installation_id,
            names.APP: row.app_id,
            names.INSTANCE: row.id,
            names.DEPLOYMENT: row.deployment_id,
            names.RELEASE: row.release_id,
            names.SERVICE: row.service,
        },
        "State": "running",
        "Status": "Up 3 hours",
        "HostConfig": {"NetworkMode": network},
        "NetworkSettings": {"Networks": {network: _endpoint(row)}},
        "Mounts": [],
    }


def _endpoint(row: Instance) -> Mapping[str, Any]:
    return {
        "IPAMConfig": {"IPv4Address": row.address},
        "Links": None,
        "Aliases": None,
        "NetworkID": "1" * 64,
        "EndpointID": "2" * 64,
        "Gateway": "10.201.0.1",
        "IPAddress": row.address,
        "IPPrefixLen": 26,
        "IPv6Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "MacAddress": "02:42:0a:c9:00:02",
        "DriverOpts": None,
    }

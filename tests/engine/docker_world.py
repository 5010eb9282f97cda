"""A corner of the real engine for one test: its own label, names and subnets, and nothing left behind."""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from slipyard.clients.docker_engine import DockerEngine

DOCKER_HOST = os.environ.get("SLIPYARD_DOCKER_HOST", "unix:///var/run/docker.sock")
COMMANDS = {
    "serves": ("httpd", "-f", "-p", "3000"),
    "exits 3": ("sh", "-c", "exit 3"),
    "talks": ("sh", "-c", "echo a; echo b"),
}


@dataclass
class DockerWorld:
    engine: DockerEngine
    label: dict[str, str]
    prefix: str
    subnets: tuple[str, str]

    def doing(self, behaviour: str) -> dict[str, object]:
        return {"image": "busybox", "command": COMMANDS[behaviour]}


@asynccontextmanager
async def docker_world() -> AsyncIterator[DockerWorld]:
    name = f"slipyard-test-{secrets.token_hex(4)}"
    octet = secrets.randbelow(250)
    world = DockerWorld(
        DockerEngine(DOCKER_HOST), {"slipyard.test": name}, name, (f"10.214.{octet}.0/26", f"10.215.{octet}.0/26")
    )
    try:
        yield world
    finally:
        for state in await world.engine.containers(world.label):
            await world.engine.remove(state.container_id)
        for network in await world.engine.networks(world.label):
            await world.engine.remove_network(network.name)
        world.engine.close()

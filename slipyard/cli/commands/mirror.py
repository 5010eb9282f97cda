"""`slipyard mirror`."""

import asyncio
from typing import Annotated

import typer

from slipyard.clients.docker_engine import DockerEngine
from slipyard.clients.push_gate import PushGate
from slipyard.domain.clock import SystemClock
from slipyard.domain.image_reference import ImageReference, parse_image_reference
from slipyard.domain.layout import Layout
from slipyard.domain.settings import Settings, read_settings
from slipyard.pipeline.assemble import registry_home
from slipyard.pipeline.context import RegistryHome

app = typer.Typer()


@app.command()
def mirror(
    names: Annotated[list[str], typer.Argument(help="Such as python:3.13-slim. Pulled where the engine has none.")],
) -> None:
    """Keep images in the registry of this installation, where a buildkitd looks for them before it asks their own.

    For machines that reach no image registry, or should not ask it at each build. In docker-compose.yml the buildkitd
    looks there for all of Docker Hub.
    """
    settings = read_settings()
    references = [parse_image_reference(name) for name in names]
    asyncio.run(_copy_all(settings, references))


async def _copy_all(settings: Settings, references: list[ImageReference]) -> None:
    layout = Layout(settings.home)
    home, gate = registry_home(settings, layout), PushGate(layout.run, SystemClock())
    engine = DockerEngine(settings.docker_host)
    try:
        for reference in references:
            async with gate.pushing():
                kept = await _copy(engine, home, reference)
            print(f"{reference} is kept as {kept}.")
    finally:
        engine.close()


async def _copy(engine: DockerEngine, home: RegistryHome, reference: ImageReference) -> str:
    """Where it is kept: below the name of its registry, so that images of apps and those of two registries stay apart."""
    name, tag = str(reference), reference.tag or "latest"
    facts = await engine.image(name) or await engine.pull(name)
    kept = f"{home.host}/{home.prefix}{reference.repository}:{tag}"
    await engine.tag(facts.image_id, kept)
    try:
        await engine.push(kept, home.credentials)
    finally:
        await engine.remove_image(kept)
    return kept

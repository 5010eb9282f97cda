"""The real Context of an installation, made from its settings. Nothing is dialled here: parts start while others are away."""

from functools import partial

from slipyard.clients.caddy import Caddy
from slipyard.clients.docker_engine import DockerEngine
from slipyard.clients.git import Git
from slipyard.clients.registry import Registry
from slipyard.deployer import firewall
from slipyard.deployer.caddy_router import CaddyRouter, caddy_shape
from slipyard.deployer.docker import DockerDriver
from slipyard.domain.clock import SystemClock
from slipyard.domain.credentials import Credentials
from slipyard.domain.layout import Layout
from slipyard.domain.settings import Settings
from slipyard.pipeline.builds.choose_builder import ChosenBuilder
from slipyard.pipeline.context import Context, RegistryHome
from slipyard.pipeline.queue import RqQueue
from slipyard.store.installation import Installation

_REGISTRY_USER = "slipyard"


async def assemble(installation: Installation) -> Context:
    settings, layout = installation.settings, installation.layout
    clock = SystemClock()
    engine = DockerEngine(settings.docker_host)
    return Context(
        settings=settings,
        layout=layout,
        installation_id=installation.id,
        clock=clock,
        database=installation.database,
        cipher=installation.cipher,
        queue=RqQueue(redis_url(installation), installation.id),
        git=Git(layout.known_hosts),
        image_builder=ChosenBuilder(settings),
        engine=engine,
        driver=DockerDriver(engine, installation.id, clock, secret_files=settings.secret_files),
        router=CaddyRouter(Caddy(settings.caddy_admin or f"unix/{layout.caddy_socket}"), caddy_shape(settings, layout)),
        close_networks=partial(
            firewall.ensure, settings.network_pool, installation.id, (settings.http_port, settings.https_port)
        ),
        registry=Registry(),
        registry_home=registry_home(settings, layout),
    )


def redis_url(installation: Installation) -> str:
    return installation.settings.redis_url or f"unix://{installation.layout.redis_socket}"


def registry_home(settings: Settings, layout: Layout) -> RegistryHome:
    """The embedded one on loopback, which Docker speaks http to, or `host[:port][/prefix]` of the settings."""
    if settings.registry_url is None:
        password = layout.registry_password.read_text().strip()
        return RegistryHome(f"127.0.0.1:{settings.registry_port}", "", Credentials(_REGISTRY_USER, password))
    host, _, prefix = settings.registry_url.partition("/")
    named = settings.registry_username is not None and settings.registry_password is not None
    who = Credentials(settings.registry_username or "", settings.registry_password or "") if named else None
    return RegistryHome(host, f"{prefix}/" if prefix else "", who)

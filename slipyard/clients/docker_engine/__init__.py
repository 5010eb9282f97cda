"""The real container engine: Docker Engine through the SDK's low-level client, every call in a thread."""

from slipyard.clients.docker_engine.engine import DockerEngine

__all__ = ["DockerEngine"]

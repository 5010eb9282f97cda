"""Instances as containers of one Docker Engine."""

from slipyard.deployer.docker.docker_driver import DockerDriver

__all__ = ["DockerDriver"]

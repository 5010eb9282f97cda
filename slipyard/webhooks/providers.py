"""The providers there are, by the name in the address of a hook. Never guessed from headers: some send each other's."""

from slipyard.domain.errors import NotFound
from slipyard.webhooks.azure_devops import AZURE_DEVOPS
from slipyard.webhooks.bitbucket import BITBUCKET
from slipyard.webhooks.bitbucket_server import BITBUCKET_SERVER
from slipyard.webhooks.docker_hub import DOCKER_HUB
from slipyard.webhooks.forgejo import FORGEJO
from slipyard.webhooks.generic import GENERIC
from slipyard.webhooks.gitea import GITEA
from slipyard.webhooks.github import GITHUB
from slipyard.webhooks.gitlab import GITLAB
from slipyard.webhooks.provider import Provider
from slipyard.webhooks.registry import REGISTRY

_ALL = (
    GITHUB, GITLAB, GITEA, FORGEJO, BITBUCKET, BITBUCKET_SERVER, AZURE_DEVOPS, DOCKER_HUB, REGISTRY, GENERIC,
)  # fmt: skip
PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in _ALL}


def provider_named(name: str) -> Provider:
    if name not in PROVIDERS:
        raise NotFound(f"There is no webhook provider {name[:50]!r}; there are: {', '.join(sorted(PROVIDERS))}.")
    return PROVIDERS[name]

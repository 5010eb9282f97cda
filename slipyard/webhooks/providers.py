"""The providers there are, by the name in the address of a hook. Never guessed from headers: some send each other's."""

from slipyard.domain.errors import NotFound
from slipyard.webhooks.github import GitHub
from slipyard.webhooks.provider import Provider

PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in (GitHub(),)}


def provider_named(name: str) -> Provider:
    if name not in PROVIDERS:
        raise NotFound(f"There is no webhook provider {name!r}; there are: {', '.join(sorted(PROVIDERS))}.")
    return PROVIDERS[name]

"""DNS-01: Caddy writes a record at the owner's DNS provider, by a module that the binary given may have.

The provider's secrets reach Caddy as variables of its environment. Its configuration, which it keeps as a file, only names them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from slipyard.domain.errors import ValidationFailed
from slipyard.domain.settings import Settings

MODULES = "dns.providers."
_VARIABLE = "SLIPYARD_ACME_DNS_"
_NAME = "name"


@dataclass(frozen=True)
class DnsProvider:
    """`fields` of the module's settings, whose values are in the environment."""

    name: str
    fields: tuple[str, ...] = ()
    resolver: str | None = None  # who is asked whether the record is there; None: Caddy's own choice

    @property
    def challenge(self) -> Mapping[str, object]:
        """Of an ACME issuer."""
        placeholders = {field: f"{{env.{_variable(field)}}}" for field in self.fields}
        asked = {"resolvers": [self.resolver]} if self.resolver is not None else {}
        return {"provider": {_NAME: self.name, **placeholders}, **asked}


def dns_provider(settings: Settings) -> DnsProvider | None:
    if not settings.acme_dns:
        return None
    if settings.tls != "acme":
        raise ValidationFailed('SLIPYARD_ACME_DNS needs SLIPYARD_TLS="acme": nobody else asks for such a record.')
    if _NAME not in settings.acme_dns:
        raise ValidationFailed(
            'SLIPYARD_ACME_DNS names no provider: give it as {"name": "cloudflare", "api_token": "..."}, with what the'
            " provider's module for Caddy needs."
        )
    name = settings.acme_dns[_NAME].get_secret_value()
    fields = tuple(sorted(field for field in settings.acme_dns if field != _NAME))
    return DnsProvider(name, fields, settings.dns_server)


def dns_environment(settings: Settings) -> dict[str, str]:
    """For Caddy's process alone."""
    return {_variable(field): value.get_secret_value() for field, value in settings.acme_dns.items() if field != _NAME}


def require_module(provider: DnsProvider, modules: Collection[str]) -> None:
    if f"{MODULES}{provider.name}" in modules:
        return
    others = sorted(each.removeprefix(MODULES) for each in modules if each.startswith(MODULES))
    has = f"It has {', '.join(others)}." if others else "It has none for any provider; the one that we bring has none."
    raise ValidationFailed(
        f"SLIPYARD_ACME_DNS asks for {provider.name!r}, and this Caddy has no module {MODULES}{provider.name}. {has} Build one"
        f" with `xcaddy build --with github.com/caddy-dns/{provider.name}`, and name it in SLIPYARD_CADDY."
    )


def _variable(field: str) -> str:
    return _VARIABLE + field.upper()

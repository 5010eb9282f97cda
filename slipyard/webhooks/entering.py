"""What to enter at the provider, in its own words; the secret itself is named and not repeated."""

from slipyard.domain.hook import HookSettings
from slipyard.webhooks.address import joined_address
from slipyard.webhooks.proof import PATH_SECRET
from slipyard.webhooks.provider import Provider

_SECRET = "<secret>"  # noqa: S105 - a place to fill in
_FIELD = {
    ("gitlab", "token"): "Secret token",
    ("gitlab", "signature"): "Signing token",
    ("azure-devops", "basic"): "Basic authentication password (any user name)",
}


def what_to_enter(provider: Provider, settings: HookSettings, url: str) -> list[str]:
    """One line for each field there, such as `Secret: <secret>`."""
    return [
        f"URL: {_address(provider, settings, url)}",
        *_proof_lines(provider, settings),
        f"Events: {provider.choose}",
    ]


def _address(provider: Provider, settings: HookSettings, url: str) -> str:
    return joined_address(url, _SECRET) if provider.proof(settings).header == PATH_SECRET else url


def _proof_lines(provider: Provider, settings: HookSettings) -> list[str]:
    scheme, proof = provider.scheme(settings), provider.proof(settings)
    if proof.header == PATH_SECRET:
        return []
    field = _FIELD.get((provider.name, scheme))
    if field:
        return [f"{field}: {_SECRET}"]
    return [_HEADER_LINES[scheme].format(header=proof.header.title()), f"Content type: {provider.form}"]


_HEADER_LINES = {
    "signature": f"Secret: {_SECRET}, which signs each body in the header {{header}}",
    "token": f"Header: {{header}}: {_SECRET}",
    "basic": f"Header: {{header}}: Basic, any user name, {_SECRET} as the password",
}

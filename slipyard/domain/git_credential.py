"""A secret for one git host: a name and a token for https, or a private key for ssh."""

from dataclasses import dataclass, field

from slipyard.domain.git_url import GitUrl


@dataclass(frozen=True)
class GitCredential:
    """Bound to `host` (a port other than the scheme's own as `host:port`): it never goes elsewhere when a URL changes.

    `private_key` is an OpenSSH key without passphrase; `known_hosts` are the host's key lines, without which the key
    seen first is kept and required from then on.
    """

    host: str
    username: str = "git"
    password: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    known_hosts: str = ""

    def fits(self, url: GitUrl) -> bool:
        """Tokens go over https (or http in an opened network) and keys over ssh, each to its own host only."""
        usable = self.private_key if url.scheme == "ssh" else self.password
        return usable is not None and self.host.lower() in _names(url)


def _names(url: GitUrl) -> set[str]:
    host = f"[{url.host}]" if ":" in url.host else url.host
    usual = url.port == {"https": 443, "ssh": 22, "http": 80}[url.scheme]
    return {host, f"{host}:{url.port}"} if usual else {f"{host}:{url.port}"}

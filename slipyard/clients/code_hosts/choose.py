"""Which code host it is: the addresses of its API and of its repositories, and the door to it."""

from collections.abc import Sequence
from typing import Literal, get_args
from urllib.parse import unquote

from slipyard.clients.code_hosts.bitbucket import Bitbucket
from slipyard.clients.code_hosts.bitbucket_server import BitbucketServer
from slipyard.clients.code_hosts.code_host import CodeHost
from slipyard.clients.code_hosts.gitea import Gitea
from slipyard.clients.code_hosts.github import GitHub
from slipyard.clients.code_hosts.gitlab import GitLab
from slipyard.clients.outside_http import OutsideHttp
from slipyard.domain.errors import ValidationFailed
from slipyard.domain.git_url import GitUrl
from slipyard.domain.network_rules import Network
from slipyard.domain.outside_url import OutsideUrl, parse_outside_url

CodeHostName = Literal["github", "gitlab", "gitea", "forgejo", "bitbucket"]
CODE_HOSTS: tuple[CodeHostName, ...] = get_args(CodeHostName)

_HOMES: dict[str, str] = {
    "github": "https://github.com",
    "gitlab": "https://gitlab.com",
    "gitea": "https://gitea.com",
    "forgejo": "https://codeberg.org",
    "bitbucket": "https://bitbucket.org",
}
# Where the API of the well-known ones lies elsewhere than their pages.
_APIS = {"github.com": "https://api.github.com", "bitbucket.org": "https://api.bitbucket.org/2.0"}
_PATHS = {"github": "/api/v3", "gitlab": "/api/v4", "gitea": "/api/v1", "forgejo": "/api/v1", "bitbucket": "/rest"}
_TITLES = {"gitea": "Gitea", "forgejo": "Forgejo"}
_SECONDS = 20.0


def addresses_of(provider: str, url: str | None, allowed_networks: Sequence[Network] = ()) -> tuple[str, str]:
    """Host of the repositories (with its port where that is not the scheme's own), and the base URL of the API.

    `url` is what people see in their browser, or None for the well-known one. `SourceRefused` for a forbidden one.
    """
    if provider not in _HOMES:
        raise ValidationFailed(f"{provider!r} is no code host that Slipyard knows: {', '.join(CODE_HOSTS)}.")
    home = parse_outside_url(url or _HOMES[provider], allowed_networks)
    known = _APIS.get(home.host_and_port)
    return home.host_and_port, known or f"{home.origin}{_base_path(home, provider)}{_PATHS[provider]}"


def open_code_host(provider: str, api_url: str, token: str, allowed_networks: Sequence[Network] = ()) -> CodeHost:
    """Dials nothing yet."""
    http = OutsideHttp(allowed_networks, seconds=_SECONDS)
    match provider:
        case "github":
            return GitHub(http, api_url, token)
        case "gitlab":
            return GitLab(http, api_url, token)
        case "gitea" | "forgejo":
            return Gitea(http, api_url, token, _TITLES[provider])
        case "bitbucket" if api_url == _APIS["bitbucket.org"] or api_url.endswith("/2.0"):
            return Bitbucket(http, api_url, token)
        case "bitbucket":
            return BitbucketServer(http, api_url, token)
        case _:
            raise ValidationFailed(f"{provider!r} is no code host that Slipyard knows: {', '.join(CODE_HOSTS)}.")


def repository_name(provider: str, api_url: str, repository: GitUrl) -> str:
    """`owner/name` as the API wants it, from the URL that git is given; a host below a path keeps that to itself."""
    path = unquote(repository.path).strip("/").removesuffix(".git")
    below = api_url.removesuffix(_PATHS[provider]).partition("://")[2].partition("/")[2]
    if below and repository.scheme != "ssh":
        path = path.removeprefix(f"{below}/")
    return path.removeprefix("scm/") if provider == "bitbucket" else path


def _base_path(home: OutsideUrl, provider: str) -> str:
    """GitLab and Gitea may live below a path of their host; somebody who pastes the API's own URL means that."""
    path = home.path.partition("?")[0].rstrip("/")
    return path.removesuffix(_PATHS[provider])

"""Where the API of a code host lies, and how it calls a repository that git knows by a URL."""

from ipaddress import ip_network

import pytest

from slipyard.clients.code_hosts.bitbucket import Bitbucket
from slipyard.clients.code_hosts.bitbucket_server import BitbucketServer
from slipyard.clients.code_hosts.choose import addresses_of, open_code_host, repository_name
from slipyard.domain.errors import SourceRefused, ValidationFailed
from slipyard.domain.git_url import parse_git_url


@pytest.mark.parametrize(
    "url",
    ["ftp://x.example", "https://u:p@x.example", "https://127.0.0.1", "https://2130706433", "http://x.example", "x"],
)
def test_a_forbidden_address_is_refused_before_a_token_is_sent(url):
    with pytest.raises(SourceRefused):
        addresses_of("gitlab", url)


def test_an_unknown_provider_is_refused():
    with pytest.raises(ValidationFailed, match="github, gitlab, gitea, forgejo, bitbucket"):
        addresses_of("sourcehut", None)


@pytest.mark.parametrize(
    ("provider", "url", "host", "api"),
    [
        ("github", None, "github.com", "https://api.github.com"),
        ("github", "https://github.com/", "github.com", "https://api.github.com"),
        ("github", "https://ghe.example", "ghe.example", "https://ghe.example/api/v3"),
        ("gitlab", None, "gitlab.com", "https://gitlab.com/api/v4"),
        ("gitlab", "https://x.example:8443/gitlab/", "x.example:8443", "https://x.example:8443/gitlab/api/v4"),
        ("gitlab", "https://x.example/api/v4", "x.example", "https://x.example/api/v4"),
        ("gitea", "http://10.0.0.7:3000", "10.0.0.7:3000", "http://10.0.0.7:3000/api/v1"),
        ("forgejo", None, "codeberg.org", "https://codeberg.org/api/v1"),
        ("bitbucket", None, "bitbucket.org", "https://api.bitbucket.org/2.0"),
        ("bitbucket", "https://bb.example", "bb.example", "https://bb.example/rest"),
    ],
)
def test_where_the_api_lies(provider, url, host, api):
    assert addresses_of(provider, url, [ip_network("10.0.0.0/8")]) == (host, api)


def test_bitbucket_cloud_and_data_center_are_different_doors():
    assert isinstance(open_code_host("bitbucket", "https://api.bitbucket.org/2.0", "t"), Bitbucket)
    assert isinstance(open_code_host("bitbucket", "https://bb.example/rest", "t"), BitbucketServer)


@pytest.mark.parametrize(
    ("provider", "api", "url", "name"),
    [
        ("github", "https://api.github.com", "https://github.com/octo/hello.git", "octo/hello"),
        ("github", "https://api.github.com", "git@github.com:octo/hello.git", "octo/hello"),
        ("github", "https://ghe.example/api/v3", "https://ghe.example/octo/hello", "octo/hello"),
        ("gitlab", "https://gitlab.com/api/v4", "ssh://git@gitlab.com/a/b/c.git", "a/b/c"),
        ("gitlab", "https://x.example/gitlab/api/v4", "https://x.example/gitlab/a/b.git", "a/b"),
        ("gitlab", "https://x.example/gitlab/api/v4", "git@x.example:gitlab/b.git", "gitlab/b"),
        ("bitbucket", "https://bb.example/rest", "https://bb.example/scm/TEAM/shop.git", "TEAM/shop"),
        ("bitbucket", "https://bb.example/rest", "ssh://git@bb.example:7999/TEAM/shop.git", "TEAM/shop"),
        ("gitea", "https://x.example/api/v1", "https://x.example/a/b%2Bc.git", "a/b+c"),
    ],
)
def test_what_the_api_calls_a_repository(provider, api, url, name):
    assert repository_name(provider, api, parse_git_url(url)) == name

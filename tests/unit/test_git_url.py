"""No URL reaches git that it could read as an option, a program, a local path, a secret or a way to the inside."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipyard.domain.errors import SourceRefused
from slipyard.domain.git_credential import GitCredential
from slipyard.domain.git_url import parse_git_url

LOOPBACK = [ip_network("127.0.0.0/8")]

FORBIDDEN = [
    "", " ", "repo", "/srv/git/repo.git", "./repo", "../repo", "~/repo", "C:/repo", "C:\\repo", "\\\\host\\share",
    "file:///srv/git/repo.git", "FILE:///srv/git", "git://example.com/repo", "ftp://example.com/repo", "ftps://example.com/r",
    "ext::sh -c id", "ext::sh", "fd::17", "transport::https://example.com/r", "git+ssh://example.com/repo", "javascript:alert(1)",
    "--upload-pack=id", "-oProxyCommand=id", "--config=core.sshCommand=id", "ssh://-oProxyCommand=id/repo",
    "git@-oProxyCommand=id:repo", "ssh://-x@example.com/repo", "-x@example.com:repo", "git@example.com:-x/repo",
    "https://example.com/-x/repo", "https://user:secret@example.com/repo", "https://token@example.com/repo",
    "ssh://git:secret@example.com/repo", "git:secret@example.com:repo", "https://example.com/repo?x=1", "https://example.com/r#main",
    "https://example.com", "https://example.com/", "https:///repo", "https://example.com:0/repo", "https://example.com:65536/repo",
    "https://example.com:443a/repo", "https://example.com:/repo/../../etc", "https://example.com/a/../b", "https://example.com/./b",
    "https://example.com/%2e%2e/b", "https://example.com/%00", "https://example.com/%0d%0aHost:x", "https://example.com/%zz",
    "https://example.com/re po", "https://example.com/repo\n", "https://example.com/re\tpo", "https://example.com/repo\x00",
    "https://exämple.com/repo", "https://example.com/rêpo", "https://exam_ple..com/repo", "https://.example.com/repo",
    "https://example.com\\@evil.com/repo", "https://[::1/repo", "https://::1/repo", "https://[fe80::1%25eth0]/repo",
    "https://127.0.0.1/repo", "https://127.1/repo", "https://2130706433/repo", "https://0x7f000001/repo", "https://0177.0.0.1/repo",
    "https://0/repo", "https://[::1]/repo", "https://[::ffff:127.0.0.1]/repo", "https://[::ffff:a9fe:a9fe]/repo",
    "https://169.254.169.254/latest", "https://10.0.0.1/repo", "https://172.16.0.1/repo", "https://192.168.1.1/repo",
    "https://100.100.100.200/repo", "https://[fd00:ec2::254]/repo", "https://[fe80::1]/repo", "https://[64:ff9b::7f00:1]/repo",
    "https://[2002:7f00:1::]/repo", "https://0.0.0.0/repo", "https://255.255.255.255/repo", "https://224.0.0.1/repo",
    "https://168.63.129.16/repo", "https://192.0.2.1/repo", "ssh://git@127.0.0.1/repo", "git@127.0.0.1:repo", "git@10.0.0.1:repo",
    "http://example.com/repo", "http://127.0.0.1/repo", "https://example.com/" + "a" * 2100, "https://" + "a" * 64 + ".com/repo",
    "ssh://git@example.com/repo;id", "ssh://git@example.com/$(id)", "ssh://git@example.com/`id`", "git@example.com:repo'|id",
]  # fmt: skip


@pytest.mark.parametrize("text", FORBIDDEN)
def test_a_forbidden_url_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(SourceRefused) as refusal:
        parse_git_url(text)
    assert refusal.value.message.endswith((".", ":path."))
    assert "secret" not in refusal.value.message


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("https://example.com/a/b.git", ("https", "example.com", 443, "/a/b.git", None)),
        ("HTTPS://Example.COM./a", ("https", "example.com", 443, "/a", None)),
        ("https://example.com:8443/a", ("https", "example.com", 8443, "/a", None)),
        ("https://93.184.216.34/a", ("https", "93.184.216.34", 443, "/a", None)),
        ("https://[2606:2800:220:1::1]:8443/a", ("https", "2606:2800:220:1::1", 8443, "/a", None)),
        ("ssh://git@example.com/a", ("ssh", "example.com", 22, "/a", "git")),
        ("ssh://git@example.com:2222/~me/a", ("ssh", "example.com", 2222, "/~me/a", "git")),
        ("git@example.com:a/b.git", ("ssh", "example.com", 22, "a/b.git", "git")),
        ("git@example.com:/srv/b.git", ("ssh", "example.com", 22, "/srv/b.git", "git")),
        ("https://xn--exmple-cua.com/a%20b", ("https", "xn--exmple-cua.com", 443, "/a%20b", None)),
    ],
)
def test_a_url_is_taken_apart_and_means_the_same_again(text: str, parts: tuple) -> None:
    url = parse_git_url(text)
    assert (url.scheme, url.host, url.port, url.path, url.username) == parts
    assert parse_git_url(str(url)) == url


def test_plain_http_and_private_addresses_open_with_their_network_only() -> None:
    assert str(parse_git_url("http://127.0.0.1:8000/a", LOOPBACK)) == "http://127.0.0.1:8000/a"
    with pytest.raises(SourceRefused, match="not in an allowed network"):
        parse_git_url("http://93.184.216.34/a", LOOPBACK)
    with pytest.raises(SourceRefused, match="is closed"):
        parse_git_url("https://10.0.0.1/a", LOOPBACK)


@given(st.text(alphabet=st.characters(max_codepoint=0x2FF), max_size=60))
def test_whatever_is_accepted_is_plain_and_never_an_option(text: str) -> None:
    try:
        url = str(parse_git_url(text))
    except SourceRefused:
        return
    assert not url.startswith("-")
    assert url.isascii()
    assert url.isprintable()
    assert url.startswith(("https://", "ssh://")) or "@" in url


@pytest.mark.parametrize(
    ("host", "url", "fits"),
    [
        ("example.com", "https://example.com/a", True),
        ("Example.com", "https://example.com/a", True),
        ("example.com:443", "https://example.com/a", True),
        ("example.com", "https://example.com:8443/a", False),
        ("example.com:8443", "https://example.com:8443/a", True),
        ("example.com", "https://example.com.evil.net/a", False),
        ("example.com", "https://evil.net/example.com", False),
        ("example.com", "ssh://git@example.com/a", False),
    ],
)
def test_a_token_belongs_to_its_host_and_way_of_access(host: str, url: str, *, fits: bool) -> None:
    assert GitCredential(host, password="token").fits(parse_git_url(url)) is fits


def test_a_credential_does_not_show_its_secrets() -> None:
    assert "hush" not in repr(GitCredential("example.com", password="hush", private_key="hush"))

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
    # programs, options and local paths in other clothes
    "EXT::sh -c id", "ext::git-upload-pack /", "ext://sh", "fd::3,4/x", "::https://example.com/r", "https::https://example.com/r",
    "ssh://example.com/r::x y", "-", "--", "-c", "-u id", "--exec=id", "--template=/tmp", "-o ProxyCommand=id", "git@example.com:--upload-pack=id",
    "ssh://git@example.com/--upload-pack=id/r", "ssh://git@--x/repo", "ssh://git@-/repo", "ssh://-l@example.com/r", "git@[-x]:repo",
    "ssh://git@example.com:-22/repo", "ssh://git@example.com: 22/repo", "ssh://git@example.com:22:22/repo", "ssh+git://example.com/r",
    "file:/srv/git", "file:srv", "file://localhost/srv/git", "File:///etc", "FILE:////etc", "/", "//host/share", "C:\\repo\\r.git", "./-x", "%2fetc",
    ".git", "..", "~", "~root/repo", "repo.bundle", "https:/example.com/r", "https:example.com/r", "https//example.com/r", "://example.com/r",
    "http+unix:///var/run/docker.sock", "unix:///run/x.sock", "gopher://example.com/r", "data:text/plain,x", "rsync://example.com/r", "s3://bucket/r",
    # secrets and second hosts inside of the URL
    "https://a@b@example.com/r", "https://:secret@example.com/r", "https://user:@example.com/r", "https://example.com@evil.com/r",
    "https://example.com:443@evil.com/r", "https://example.com%40evil.com/r", "https://example.com/r@{u}", "https://example.com#@evil.com/r",
    "https://example.com?@evil.com/r", "https://example.com;evil.com/r", "https://example.com,evil.com/r", "ssh://git%40x@example.com/r",
    "ssh://$(id)@example.com/r", "ssh://git;id@example.com/r", "git@example.com@evil.com:r", "a b@example.com:r",
    # this machine, its neighbours and metadata services, however they are written
    "https://localhost/r", "https://LOCALHOST/r", "https://localhost./r", "https://git.localhost/r", "ssh://git@localhost/r", "git@localhost:r",
    "https://127.0.0.1./r", "https://127.0.0.1:443/r", "https://127.000.000.001/r", "https://127.0.1/r", "https://127.0x0.0.1/r",
    "https://0x7f.0x0.0x0.0x1/r", "https://0x7f.1/r", "https://017700000001/r", "https://00000177.0.0.1/r", "https://0x7F000001/r",
    "https://2852039166/r", "https://0xa9fea9fe/r", "https://0251.0376.0251.0376/r", "https://025177524776/r", "https://0xa9.0xfe.0xa9.0xfe/r",
    "https://169.254.43518/r", "https://169.16689662/r", "https://169.254.169.254./r", "https://169.254.170.2/v2", "https://192.0.0.192/r",
    "https://3232235521/r", "https://0xc0a80001/r", "https://10.1/r", "https://0xa.0.0.1/r", "https://012.0.0.1/r", "https://1.1.1.1.1/r",
    "https://[::]/r", "https://[0:0:0:0:0:0:0:1]/r", "https://[::0001]/r", "https://[::ffff:7f00:1]/r", "https://[::FFFF:127.0.0.1]/r",
    "https://[0:0:0:0:0:ffff:7f00:0001]/r", "https://[::127.0.0.1]/r", "https://[::ffff:0:127.0.0.1]/r", "https://[::ffff:10.0.0.1]/r",
    "https://[::ffff:192.168.0.1]/r", "https://[::ffff:169.254.169.254]/r", "https://[64:ff9b::a9fe:a9fe]/r", "https://[64:ff9b:1::7f00:1]/r",
    "https://[2002:a9fe:a9fe::]/r", "https://[2002:c0a8:1::1]/r", "https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/r", "https://[fc00::1]/r",
    "https://[fec0::1]/r", "https://[ff02::1]/r", "https://[2001:db8::1]/r", "https://[3fff::1]/r", "https://[100::1]/r", "https://[fe80::1%eth0]/r",
    "https://[::1%1]/r", "https://[127.0.0.1]/r", "https://[example.com]/r", "https://[]/r", "https://[::1]:70000/r", "https://[::1]x/r",
    "ssh://git@[::1]/r", "ssh://git@[::ffff:169.254.169.254]/r", "ssh://git@169.254.169.254/r", "ssh://git@2130706433/r", "git@0x7f000001:r",
    "git@017700000001:r", "git@169.254.169.254:r", "git@[::1]:r", "git@192.168.0.1:r", "ssh://git@172.31.255.255/r", "https://198.18.0.1/r",
    "https://100.64.0.1/r", "https://203.0.113.9/r", "https://240.0.0.1/r", "https://①②⑦.0.0.1/r", "https://127。0。0。1/r", "https://%31%32%37.0.0.1/r",
    # plain http and odd paths
    "HTTP://example.com/r", "http://localhost/r", "http://169.254.169.254/latest/meta-data/", "http://[::1]/r", "https://example.com//", "https://example.com/..",
    "https://example.com/a/..%2fb", "https://example.com/%2e", "https://example.com/a\\b", "https://example.com/%", "https://example.com/%1f",
    "https://example.com/a\r\nHost: evil", "https://example.com/a%0aHost:evil", "https://example.com/a\u202eb", "https://example.com/%7f%00",
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

"""Names that people type, in the one form that DNS, certificates and the router know."""

import pytest

from slipyard.domain.errors import ValidationFailed
from slipyard.domain.host_name import covers, parse_host_name, parse_path_prefix, wildcard_above


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "localhost", "example", "*.example", "*", "*.", "a.*.example.com", "*.*.example.com", "*shop.example.com",
        "https://example.com", "example.com:443", "example.com/x", "user@example.com", "exa mple.com", "a..example.com",
        ".example.com", "-a.example.com", "a-.example.com", "a_b.example.com", "192.0.2.7", "2001:db8::1", "[::1]",
        "{env.HOME}.example.com", "a.example.com\n.b", "xn--a.example.com", "ab--c.example.com", f"{'a' * 64}.example.com",
        ".".join(["a" * 60] * 5), "\u202eexample.com", "example.123", "☃️.example.com",
    ],
)  # fmt: skip
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValidationFailed, match="cannot be a domain"):
        parse_host_name(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Shop.Example.COM", "shop.example.com"),
        (" www.example.test. ", "www.example.test"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("*.shop.example.com", "*.shop.example.com"),
        ("straße.example", "xn--strae-oqa.example"),
    ],
)
def test_a_name_has_one_form(text: str, host: str) -> None:
    assert parse_host_name(text) == host
    assert parse_host_name(host) == host


def test_a_wildcard_covers_one_label() -> None:
    assert covers("*.example.com", "a.example.com")
    assert not covers("*.example.com", "a.b.example.com")
    assert not covers("*.example.com", "example.com")
    assert not covers("a.example.com", "a.example.com")
    assert wildcard_above("a.b.example.com") == "*.b.example.com"


@pytest.mark.parametrize("text", ["/a/../b", "/.", "/a b", "/a?x", "/{x}", "/a*", "/a//b", "/%2e%2e", "/" + "a" * 300])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValidationFailed, match="cannot be a path"):
        parse_path_prefix(text)


@pytest.mark.parametrize(("text", "path"), [("/", "/"), ("", "/"), ("/api/", "/api"), ("api/v2", "/api/v2")])
def test_a_path_has_one_form(text: str, path: str) -> None:
    assert parse_path_prefix(text) == path

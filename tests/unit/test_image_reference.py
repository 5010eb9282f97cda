"""Image references follow the distribution grammar, and short names are written out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipyard.domain.errors import SourceRefused
from slipyard.domain.image_reference import ImageReference, parse_image_reference

DIGEST = "sha256:" + "ab" * 32

FORBIDDEN = [
    "", " ", "-x", "--help", "Nginx", "library/Nginx", "nginx:", "nginx:-a", "nginx:.a", "nginx:a b", "nginx:" + "a" * 129, "nginx@",
    "nginx@sha256:abc", "nginx@sha256:" + "AB" * 32, "nginx@md5:" + "a" * 32, "nginx@" + DIGEST + "x", "a//b", "/a", "a/", "a/b/",
    "a..b", "a.b.", "_a", "a_", "a___b", "a-", "-a/b", "host:port/a", "host:99999999/a", "http://host/a", "https://host/a", "a\nb", "a b",
    "a@b@c", "host:5000/", "[::1/a", "é/a", "a:tag:tag", "a" * 256, "docker.io/", "localhost:5000", ":tag", "@" + DIGEST, "a;id",
    "$(id)", "ab" * 32, "host.example/a?b", "../a", "a/../b",
]  # fmt: skip


@pytest.mark.parametrize("text", [text for text in FORBIDDEN if text != "localhost:5000"])
def test_a_forbidden_reference_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(SourceRefused) as refusal:
        parse_image_reference(text)
    assert refusal.value.message.endswith(".")


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("me/app", "docker.io/me/app"),
        ("docker.io/nginx", "docker.io/library/nginx"),
        ("index.docker.io/library/nginx", "docker.io/library/nginx"),
        ("localhost/app", "localhost/app"),
        ("localhost:5000/app:v1", "localhost:5000/app:v1"),
        ("ghcr.io/a/b/c@" + DIGEST, "ghcr.io/a/b/c@" + DIGEST),
        ("ghcr.io/a/b:v1@" + DIGEST, "ghcr.io/a/b:v1@" + DIGEST),
        ("[::1]:5000/app", "[::1]:5000/app"),
        ("127.0.0.1:5000/a__b/c-d--e.f", "127.0.0.1:5000/a__b/c-d--e.f"),
        ("Host/app", "Host/app"),
        ("localhost:5000", "docker.io/library/localhost:5000"),
    ],
)
def test_a_reference_is_written_out_and_means_the_same_again(text: str, whole: str) -> None:
    reference = parse_image_reference(text)
    assert str(reference) == whole
    assert parse_image_reference(whole) == reference


def test_only_a_digest_pins() -> None:
    assert parse_image_reference("nginx@" + DIGEST).pinned
    assert not parse_image_reference("nginx:1.27").pinned


@given(st.text(alphabet="aZ09._-/:@[]é \n", max_size=40))
def test_whatever_is_accepted_round_trips(text: str) -> None:
    try:
        reference = parse_image_reference(text)
    except SourceRefused:
        return
    assert parse_image_reference(str(reference)) == reference
    assert isinstance(reference, ImageReference)

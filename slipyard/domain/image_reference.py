"""References of container images, by the grammar of the distribution project, with Docker Hub's short names written out."""

import re
from dataclasses import dataclass

from slipyard.domain.errors import SourceRefused

_HUB, _OFFICIAL = "docker.io", "library/"
_LABEL = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]{{1,5}})?")
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_IMAGE_ID = re.compile(r"[0-9a-f]{64}")
_MAXIMUM = 1024
_MAXIMUM_NAME = 255


@dataclass(frozen=True)
class ImageReference:
    """`domain` is host[:port] of the registry, `path` the repository there. Without tag and digest `latest` is meant."""

    domain: str
    path: str
    tag: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"

    @property
    def repository(self) -> str:
        return f"{self.domain}/{self.path}"

    @property
    def pinned(self) -> bool:
        """Whether it names the same bytes for ever."""
        return self.digest is not None


def parse_image_reference(text: str) -> ImageReference:
    """`nginx` -> docker.io/library/nginx; the text of the result parses to the same again. Raises `SourceRefused`."""
    if len(text) > _MAXIMUM:
        raise SourceRefused(f"An image reference has at most {_MAXIMUM} characters.")
    rest, digest = _split_digest(text)
    name, tag = _split_tag(rest)
    domain, path = _split_domain(name)
    _check_name(text, domain, path)
    return ImageReference(domain, path, tag, digest)


def _split_digest(text: str) -> tuple[str, str | None]:
    name, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise SourceRefused(
            _sentence(text, "a digest is sha256: with 64, or sha512: with 128, lower-case hexadecimal digits")
        )
    return name, digest or None


def _split_tag(text: str) -> tuple[str, str | None]:
    name, colon, tag = text.rpartition(":")
    if not colon or "/" in tag or tag.endswith("]"):  # the colon of a port or of an IPv6 address
        return text, None
    if not _TAG.fullmatch(tag):
        raise SourceRefused(_sentence(text, "a tag has 1 to 128 letters, digits, _ . - and does not begin with . or -"))
    return name, tag


def _split_domain(name: str) -> tuple[str, str]:
    """The first part is a registry where it looks like a host; else the image lies on Docker Hub."""
    first, slash, rest = name.partition("/")
    if slash and (any(sign in first for sign in ".:[") or first == "localhost" or first.lower() != first):
        domain, path = ("docker.io", rest) if first == "index.docker.io" else (first, rest)
    else:
        domain, path = _HUB, name
    if domain == _HUB and "/" not in path:
        path = _OFFICIAL + path
    return domain, path


def _check_name(text: str, domain: str, path: str) -> None:
    if not _DOMAIN.fullmatch(domain):
        raise SourceRefused(_sentence(text, "its registry is not a host with an optional port"))
    if not _PATH.fullmatch(path):
        raise SourceRefused(_sentence(text, "a repository has lower-case letters and digits, parted by . _ __ - or /"))
    if len(domain) + 1 + len(path) > _MAXIMUM_NAME:
        raise SourceRefused(_sentence(text, f"its name has more than {_MAXIMUM_NAME} characters"))
    if _IMAGE_ID.fullmatch(text):
        raise SourceRefused(_sentence(text, "64 hexadecimal digits are an image's id; give a name such as nginx:1.27"))


def _sentence(text: str, problem: str) -> str:
    return f"{text[:120]!r} is not an image reference: {problem}."

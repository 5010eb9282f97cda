"""Names that people own: written in any script, kept in the one form that DNS, certificates and the router know."""

import re

import idna

from slipyard.domain.errors import FieldProblem, ValidationFailed

WILDCARD = "*."
_FULL_STOPS = re.compile("[\u3002\uff0e\uff61]")  # other scripts' own, which IDNA reads as dots
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST = 253
_LEAST_LABELS, _LEAST_LABELS_BELOW_A_WILDCARD = 2, 2
_PATH = re.compile(r"(?:/[A-Za-z0-9_~.-]+)+")
_LONGEST_PATH = 200


def parse_host_name(text: str, field: str = "domain") -> str:
    """`Bücher.Example` becomes `xn--bcher-kva.example`. `*.` may stand in front, for one label, with two or more below it.

    `ValidationFailed` for anything else: URLs, ports, addresses, names of one label, names that IDNA 2008 refuses.
    """
    given = _FULL_STOPS.sub(".", text.strip().lower()).removesuffix(".")
    below = given.removeprefix(WILDCARD)
    labels = [_label(label, text, field) for label in below.split(".")]
    host = (WILDCARD if below != given else "") + ".".join(labels)
    least = _LEAST_LABELS_BELOW_A_WILDCARD if below != given else _LEAST_LABELS
    if len(labels) < least or len(host) > _LONGEST or labels[-1].isdecimal():
        raise _refused(text, field)
    return host


def covers(wildcard: str, host: str) -> bool:
    """Whether a host lies below a wildcard: one label deeper, as in certificates (RFC 6125)."""
    return wildcard.startswith(WILDCARD) and host.partition(".")[2] == wildcard.removeprefix(WILDCARD)


def wildcard_above(host: str) -> str:
    return WILDCARD + host.partition(".")[2]


def parse_path_prefix(text: str) -> str:
    """`/` is the whole name, `/api` all of /api and /api/..., and not /apis. `ValidationFailed` for anything else."""
    path = "/" + text.strip().strip("/")
    plain = path == "/" or _PATH.fullmatch(path)
    if not plain or len(path) > _LONGEST_PATH or {".", ".."} & set(path.split("/")):
        raise ValidationFailed(
            f"{text!r} cannot be a path of a domain: use letters, digits, hyphens, dots and underscores, as in /api/v2.",
            details=[FieldProblem("path", "must look like /api")],
        )
    return path


def _label(label: str, text: str, field: str) -> str:
    try:
        ascii_label = idna.encode(label).decode() if not label.isascii() or label.startswith("xn--") else label
    except idna.IDNAError:
        raise _refused(text, field) from None
    if not _LABEL.fullmatch(ascii_label) or (ascii_label[2:4] == "--" and not ascii_label.startswith("xn--")):
        raise _refused(text, field)
    return ascii_label


def _refused(text: str, field: str) -> ValidationFailed:
    return ValidationFailed(
        f"{text!r} cannot be a domain: give a name such as shop.example.com, or *.shop.example.com for every name one"
        " label below it; no scheme, port, path or address.",
        details=[FieldProblem(field, "must be a domain name")],
    )

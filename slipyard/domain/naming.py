"""Names of apps: what a slug may be, which are reserved, and the host that an app answers at."""

import re

from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.domain.ids import is_id, short_id

RESERVED = frozenset({"plans", "regions", "www", "api", "git", "registry", "slipyard"})
_SLUG = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,47}")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")


def slug_from(name: str) -> str:
    """The slug that a display name suggests: "My Shop!" becomes "my-shop"."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.strip().lower()).strip("-")
    return check_slug(slug[:48].rstrip("-"))


def check_slug(slug: str) -> str:
    if not _SLUG.fullmatch(slug):
        raise ValidationFailed(
            f"{slug!r} cannot name an app: use 1 to 48 lower-case letters, digits and single hyphens, beginning with a"
            " letter.",
            details=[FieldProblem("name", "must look like my-shop-2")],
        )
    if slug in RESERVED or is_id(slug.replace("-", "_", 1)):
        raise ValidationFailed(
            f"{slug!r} is reserved; choose another name.", details=[FieldProblem("name", "reserved")]
        )
    return slug


def is_env_name(name: str) -> bool:
    return bool(_ENV_NAME.fullmatch(name))


def check_env_name(name: str) -> str:
    if not is_env_name(name):
        raise ValidationFailed(
            f"{name!r} cannot name an environment variable: use letters, digits and underscores, not beginning with a"
            " digit.",
            details=[FieldProblem("env_vars", f"bad name {name!r}")],
        )
    return name


def default_host(slug: str, app_id: str, domain: str, *, taken: bool) -> str:
    return f"{slug}-{short_id(app_id)}.{domain}" if taken else f"{slug}.{domain}"

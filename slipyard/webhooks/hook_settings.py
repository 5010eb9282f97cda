"""What may be said about a new webhook, and which secret it gets."""

import base64
import re
import secrets

from jsonpointer import JsonPointer, JsonPointerException

from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.domain.hook import BodyFields, HookSettings, Scheme
from slipyard.webhooks.proof import SIGNING_KEY, StandardSignature
from slipyard.webhooks.provider import Provider

_SECRET_BYTES = 32
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
_TAKEN = frozenset({"content-type", "user-agent", "content-length", "host", "cookie", "transfer-encoding"})
_LONGEST_POINTER = 500


def checked_settings(
    provider: Provider, scheme: Scheme | None, header: str | None, fields: BodyFields | None
) -> HookSettings:
    """The scheme is written down, so that no later version of ours changes it. `ValidationFailed` with each problem."""
    problems = [
        *_scheme_problems(provider, scheme),
        *_header_problems(provider, scheme, header),
        *_field_problems(provider, fields or BodyFields()),
    ]
    if problems:
        raise ValidationFailed(f"This {provider.name} webhook cannot be made: {problems[0].message}", details=problems)
    settings = HookSettings(scheme=scheme, header=header, fields=fields or BodyFields())
    return settings.model_copy(update={"scheme": provider.scheme(settings)})


def new_secret(provider: Provider, settings: HookSettings) -> str:
    """256 bits, in the form that the provider takes."""
    if isinstance(provider.proof(settings), StandardSignature):
        return SIGNING_KEY + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    return secrets.token_hex(_SECRET_BYTES)


def _scheme_problems(provider: Provider, scheme: Scheme | None) -> list[FieldProblem]:
    if scheme is None or scheme in provider.proofs:
        return []
    return [FieldProblem("scheme", f"{provider.name} proves itself by {' or '.join(provider.proofs)}.")]


def _header_problems(provider: Provider, scheme: Scheme | None, header: str | None) -> list[FieldProblem]:
    if header is None:
        return []
    if not provider.own_header or (scheme or next(iter(provider.proofs))) == "basic":
        return [FieldProblem("header", f"{provider.name} has a header of its own; leave this out.")]
    if not _HEADER.fullmatch(header) or header.lower() in _TAKEN:
        return [
            FieldProblem("header", "Name a header of your own, of letters, digits and hyphens, such as X-Signature.")
        ]
    return []


def _field_problems(provider: Provider, fields: BodyFields) -> list[FieldProblem]:
    given = {name: pointer for name, pointer in fields.model_dump().items() if pointer is not None}
    if provider.name != "generic":
        return (
            [FieldProblem("fields", f"{provider.name} says all this in its own way; leave this out.")] if given else []
        )
    problems = [_pointer_problem(name, pointer) for name, pointer in given.items()]
    commit, image = {"ref", "commit"} & set(given), "image" in given
    if (image and commit) or (not image and commit != {"ref", "commit"}):
        problems.append(FieldProblem("fields", "Say where to find either `ref` and `commit`, or `image`."))
    return [problem for problem in problems if problem]


def _pointer_problem(name: str, pointer: str) -> FieldProblem | None:
    try:
        JsonPointer(pointer[:_LONGEST_POINTER])
    except JsonPointerException:
        return FieldProblem(f"fields.{name}", f"{pointer[:80]!r} is no JSON pointer; write such as /push/ref.")
    if len(pointer) > _LONGEST_POINTER:
        return FieldProblem(f"fields.{name}", f"A pointer has at most {_LONGEST_POINTER} characters.")
    return None

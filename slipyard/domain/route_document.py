"""The route of an app as a YAML document: what people read, edit and hand back. The same route is the same bytes.

A password is never shown: an account has its fingerprint, and whoever hands that back keeps the password.
"""

import io
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML

from slipyard.domain.errors import FieldProblem, SourceRefused
from slipyard.domain.manifests.yaml_document import Document, Path, read_yaml
from slipyard.domain.route_rules import MOST, PasswordHash, RouteRulesBase, Username

FILE = "route"
_MOST_TOLD = 20


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountEntry(_Part):
    """Exactly one of the three: a new password, the bcrypt hash of one, or the fingerprint of the one that is kept."""

    username: Username
    password: Annotated[str, Field(min_length=1, max_length=72)] | None = Field(None, repr=False)
    password_hash: PasswordHash | None = Field(None, repr=False)
    password_fingerprint: Annotated[str, Field(min_length=1, max_length=64)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [self.password, self.password_hash, self.password_fingerprint]
        if len([each for each in given if each is not None]) != 1:
            raise ValueError("give one of password, password_hash and password_fingerprint")
        return self


class RulesEntry(RouteRulesBase):
    basic_auth: tuple[AccountEntry, ...] = Field((), max_length=MOST)


class DomainEntry(_Part):
    host: str = Field(min_length=1, max_length=300)
    path: str = Field("/", min_length=1, max_length=300)
    strip_prefix: bool = False
    redirect_to: str | None = Field(None, max_length=300)
    redirect_status: Literal[301, 302, 303, 307, 308] = 308


class RouteDocument(_Part):
    """Both keys stand there always: what is left out by mistake takes nothing away."""

    domains: tuple[DomainEntry, ...] = Field(max_length=1000)
    rules: RulesEntry


def route_yaml(document: RouteDocument, given_host: str) -> str:
    """`given_host`: the one that Slipyard gave the app, which nobody can change."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.width = 4096
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # an attribute that the class lacks
    text = io.StringIO()
    yaml.dump(_plain(document), text)
    return f"# Beside these the app answers at {given_host}.\n{text.getvalue()}"


def _plain(document: RouteDocument) -> dict[str, Any]:
    shown = document.model_dump(mode="json", by_alias=True)
    for account in shown["rules"]["basic_auth"]:
        for name in ("password", "password_hash", "password_fingerprint"):
            if account[name] is None:
                del account[name]
    return shown


def read_route_document(text: str) -> RouteDocument:
    """`SourceRefused` with the line of what it may not say; what was given there is never repeated."""
    document = read_yaml(FILE, text)
    if not isinstance(document.value, dict):
        raise document.refusal((), "begin with `domains:` and `rules:`, as `slipyard route show` does.")
    try:
        return RouteDocument.model_validate(document.value)
    except ValidationError as error:
        raise _refusal(document, error.errors(include_url=False, include_input=False)) from None


def _refusal(document: Document, errors: list[ErrorDetails]) -> SourceRefused:
    told = [(document.line(_path(each)), _place(each), _sentence(each)) for each in errors[:_MOST_TOLD]]
    problems = [FieldProblem(place, f"line {line}: {sentence}") for line, place, sentence in told]
    line, place, sentence = told[0]
    return SourceRefused(f"{FILE} line {line}: {place}: {sentence}. Nothing was changed.", details=problems)


def _path(error: ErrorDetails) -> Path:
    return tuple(error["loc"])


def _place(error: ErrorDetails) -> str:
    return ".".join(str(part) for part in error["loc"]) or "the document"


def _sentence(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return "there is no such key"
    if error["type"] == "missing":
        return "this key is missing"
    text = error["msg"].removeprefix("Value error, ")
    return text[:1].lower() + text[1:]

"""`${secret:NAME}` and `${app:db.url}`: what they stand for, and what is refused with a sentence."""

from dataclasses import dataclass, field

import pytest

from slipyard.domain.errors import ValidationFailed
from slipyard.domain.references import LONGEST_VALUE, references_in, resolve


@dataclass
class Apps:
    """A `Scope`: apps by slug, each with its variables; secrets of the first."""

    slug: str = "shop"
    all: dict[str, dict[str, str]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def variable(self, name: str) -> str | None:
        return self.all.get(self.slug, {}).get(name)

    def secret(self, name: str) -> str | None:
        return self.secrets.get(name)

    def fact(self, name: str) -> str | None:
        return {"url": f"http://{self.slug}.localhost"}.get(name)

    def other(self, slug: str) -> "Apps | None":
        return Apps(slug, self.all, {}) if slug in self.all else None


def resolved(value: str, **apps: dict[str, str]) -> str:
    own = {"V": value}
    scope = Apps(all={"shop": own, **apps}, secrets={"PASSWORD": "a$b${secret:PASSWORD}"})
    return resolve(scope, own)["V"]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("${secret:GONE}", "V of shop refers to ${secret:GONE}, and there is no such secret."),
        ("${app:gone.url}", "and there is no app 'gone' here."),
        ("${app:db.gone}", "and db has no such variable; else there are url, host, port and slug."),
        ("${app:db}", "${app:db} is no reference: write ${app:NAME.url}"),
        ("${app:shop.V}", "in a circle, so none has a value: V of shop -> V of shop."),
        ("${app:db.BACK}", "V of shop -> BACK of db -> V of shop."),
        ("${secret:PASSWORD}" * 7000, "bytes, and Linux takes no more"),
    ],
)
def test_a_reference_to_nothing_or_in_a_circle_is_refused(value: str, sentence: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        resolved(value, db={"BACK": "${app:shop.V}"})
    assert sentence in refused.value.message


def test_a_secret_is_taken_as_it_is() -> None:
    assert resolved("x:${secret:PASSWORD}@y") == "x:a$b${secret:PASSWORD}@y"


def test_what_is_no_reference_stays() -> None:
    assert resolved("${HOME} $$ ${} ${other:x} $${secret:PASSWORD}") == "${HOME} $$ ${} ${other:x} ${secret:PASSWORD}"


def test_variables_of_another_app_come_before_facts_about_it_and_are_resolved_there() -> None:
    assert resolved("${app:db.url}", db={}) == "http://db.localhost"
    assert resolved("${app:db.url}", db={"url": "postgres://${app:db.HOST}/x", "HOST": "h"}) == "postgres://h/x"


def test_many_references_to_one_another_cost_what_one_costs() -> None:
    own = {f"V{n}": f"${{app:shop.V{n + 1}}}${{app:shop.V{n + 1}}}" for n in range(60)} | {"V60": ""}
    assert resolve(Apps(all={"shop": own}), own)["V0"] == ""


def test_a_value_as_long_as_linux_takes_passes() -> None:
    assert len(resolved("x" * LONGEST_VALUE)) == LONGEST_VALUE


def test_references_are_found_for_who_must_be_asked() -> None:
    found = list(references_in("$${app:a.x} ${app:b-1.URL} ${secret:S}"))
    assert [(each.app, each.name) for each in found] == [("b-1", "URL"), (None, "S")]

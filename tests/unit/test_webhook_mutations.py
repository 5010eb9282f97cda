"""Whatever is signed and sent: an announcement, or a sentence for the sender. Never another exception of ours."""

import copy
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipyard.domain.errors import UserError
from slipyard.domain.hook import HookSettings
from slipyard.webhooks.essence import read_essence, written_essence
from slipyard.webhooks.examine import Claim, examine
from slipyard.webhooks.providers import PROVIDERS
from tests.data.github.examples import EXAMPLES
from tests.data.webhooks.messages import ALL, NEW, NONE, Message
from tests.data.webhooks.proving import proving

TELLING = {"push", "pull_request", "check_run", "check_suite", "status", "workflow_run", "workflow_job", "ping"}
GITHUB = [
    Message("github", {"x-github-event": event, "x-github-delivery": "1"}, payload)
    for event, payload in EXAMPLES
    if event in TELLING
]
MESSAGES = [*ALL.values(), *GITHUB]
STRANGE: list[Any] = [
    *(None, True, False, 0, -1, 10**400, -(2**63), 1e308, "", "\ud800", "\0", "x" * 20_000, NEW, NONE),
    *("refs/heads/main", "refs/heads/\ud800", "--upload-pack=x", "../.."),
    *([], {}, [None], [[]], [{}], {"id": {"id": []}}, [1, "a", None]),
]
ODD = st.sampled_from(STRANGE).map(copy.deepcopy)
JSON = ODD | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
WITHOUT_HEALTH = settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a payload, three deep: below that nothing is read but through these."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for name, child in inner if len(path) < 5 for found in places(child, (*path, name)))]


@st.composite
def mutated(draw: st.DrawFn) -> tuple[Message, Any]:
    message = draw(st.sampled_from(MESSAGES))
    body: Any = copy.deepcopy(message.body)
    for path in draw(st.lists(st.sampled_from(places(body)[1:]), min_size=1, max_size=3)):
        parent = body
        for name in path[:-1]:
            try:
                parent = parent[name]
            except (KeyError, IndexError, TypeError):
                break
        if isinstance(parent, dict) and isinstance(path[-1], str):
            parent[path[-1]] = draw(JSON)
        elif isinstance(parent, list):
            parent.append(draw(JSON))
    return message, body


def check(message: Message, body: bytes, extra: dict[str, str] | None = None) -> str:
    proof = proving(message.provider, "s", body, message.settings.get("scheme", ""), message.settings.get("header", ""))
    headers = message.headers | (proof or {"slipyard-path-secret": "s"}) | (extra or {})
    provider, known = PROVIDERS[message.provider], HookSettings.model_validate(message.settings)
    try:
        found = examine(Claim(provider, known, headers, b"s"), body)
    except UserError as error:
        return str(error)
    said = provider.announcement(known, found.headers, found.body)
    assert read_essence(written_essence(said)) == said
    return found.event


@WITHOUT_HEALTH
@given(mutated())
def test_mutations_of_real_payloads(case: tuple[Message, Any]) -> None:
    assert check(case[0], json.dumps(case[1]).encode()).encode()


@settings(WITHOUT_HEALTH, max_examples=500)
@given(st.sampled_from(MESSAGES), st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_bodies_of_another_kind(message: Message, body: bytes) -> None:
    check(message, body)


@settings(WITHOUT_HEALTH, max_examples=500)
@given(st.sampled_from(MESSAGES), st.data())
def test_odd_headers(message: Message, data: st.DataObject) -> None:
    value = st.text(st.characters(max_codepoint=255), max_size=300)
    names = st.sampled_from([*message.headers, *PROVIDERS[message.provider].kept_headers])
    check(message, json.dumps(message.body).encode(), data.draw(st.dictionaries(names, value, max_size=4)))


def test_bodies_that_cannot_be_parsed() -> None:
    deep = [b"[" * 200_000, b'{"a":' * 200_000, b"\xff\xfe", b"", b"null", b"[]", b'"', b"9" * 10_000, b'{"a": NaN}']
    for message in {message.provider: message for message in MESSAGES}.values():
        for body in deep:
            check(message, body)


def test_names_that_stand_twice() -> None:
    """The last one counts, as everywhere in Python; whoever signed it meant one of them."""
    body = json.dumps({"after": NONE, "deleted": True})[:-1] + f', "ref": "refs/heads/main", "after": "{NEW}"}}'
    check(Message("github", {"x-github-event": "push"}, {}), body.encode())

"""Whatever is signed and sent, the answer is the sender's or a verdict: never a fault of ours."""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.flow.api.api_server import ApiServer
from tests.flow.api.github_deliveries import Hook, real_pushes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
READ = ("ref", "before", "after", "deleted", "forced", "head_commit", "pusher", "sender")


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    payload = copy.deepcopy(draw(st.sampled_from(real_pushes())))
    for name in draw(st.lists(st.sampled_from(READ), min_size=1, max_size=4)):
        payload[name] = draw(JSON)
    if isinstance(payload["head_commit"], dict):
        payload["head_commit"]["message"] = draw(JSON)
    return payload


@pytest.fixture
async def hook(quiet_api: ApiServer) -> Hook:
    return await Hook.make(quiet_api)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(payload=mutated())
async def test_mutations_of_real_payloads_are_never_a_fault_of_ours(hook: Hook, payload: dict[str, Any]) -> None:
    answer = await hook.deliver(payload)

    assert answer.status_code in {200, 202, 400}, answer.text


HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60).map(str.strip)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=200), event=HEADER, kind=HEADER, delivery=HEADER, signature=HEADER)
async def test_bytes_with_odd_headers_are_never_a_fault_of_ours(
    hook: Hook, body: bytes, event: str, kind: str, delivery: str, signature: str
) -> None:
    signed = await hook.send(body, event, content_type=kind, x_github_delivery=delivery)
    unsigned = await hook.send(body, event, x_hub_signature_256=signature)

    assert (signed.status_code, unsigned.status_code) == (400, 401)

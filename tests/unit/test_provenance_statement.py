"""The signed statement is one that other tools can read and check: in-toto in DSSE, Ed25519."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from slipyard.domain.provenance import BUILT, PULLED, Origin, origin_of, statement_of
from slipyard.pipeline.builds.provenance import read_origin, sign_origin
from slipyard.store.signer import Signer

BUILD = Origin(
    kind=BUILT,
    image_id=f"sha256:{'a' * 64}",
    reference="127.0.0.1:7008/shop-0123:b1-1",
    app="app_1",
    build_id="bld_1",
    commit="c" * 40,
    repository="https://git.example.com/shop.git",
    snapshot_digest=f"sha256:{'5' * 64}",
    plan_key="b" * 64,
    builder="buildkitd v0.12.5 at tcp://builder:1234",
    reused_from="bld_0",
    started_at=datetime(2026, 5, 1, 12, tzinfo=UTC),
    finished_at=datetime(2026, 5, 1, 12, 1, tzinfo=UTC),
)
PULL = Origin(kind=PULLED, image_id=f"sha256:{'a' * 64}", reference="docker.io/library/web:1")
SIGNER = Signer.derived_from(b"secret")


@pytest.mark.parametrize("origin", [BUILD, PULL, replace(PULL, manifest_digest=f"sha256:{'d' * 64}")])
def test_what_was_signed_is_read_again(origin: Origin) -> None:
    assert origin_of(statement_of(origin)) == origin
    assert read_origin(SIGNER, sign_origin(SIGNER, origin)) == origin


def test_anybody_with_the_public_key_can_check_it() -> None:
    """By the texts of DSSE v1 and in-toto v1, with nothing of ours."""
    envelope = sign_origin(SIGNER, BUILD).dsse()
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    encoded = b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    key = load_pem_public_key(SIGNER.public_key.encode())

    key.verify(signature, encoded)
    with pytest.raises(InvalidSignature):
        key.verify(signature, encoded.replace(b"bld_1", b"bld_2"))
    statement = json.loads(payload)
    assert statement["subject"] == [{"name": "127.0.0.1:7008/shop-0123:b1-1", "digest": {"sha256": "a" * 64}}]
    assert statement["predicate"]["buildDefinition"]["resolvedDependencies"] == [
        {"uri": "git+https://git.example.com/shop.git", "digest": {"gitCommit": "c" * 40}},
        {"uri": "snapshot", "digest": {"sha256": "5" * 64}},
    ]


@pytest.mark.parametrize("statement", [{}, {"predicate": 1}, {"subject": []}, {"predicate": {"buildDefinition": {}}}])
def test_what_is_no_statement_of_ours_is_none(statement: dict) -> None:
    assert origin_of(statement) is None


def test_the_key_is_another_for_another_installation_and_the_same_after_a_restart() -> None:
    assert Signer.derived_from(b"secret").key_id == SIGNER.key_id
    assert Signer.derived_from(b"other").key_id != SIGNER.key_id

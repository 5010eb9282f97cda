"""Who sends a delivery: judged by signatures of implementations that are not ours, and by every way of having none."""

import base64
import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from slipyard.domain.errors import Unauthorized, UserError
from slipyard.domain.hook import HookSettings
from slipyard.webhooks.examine import Claim, Examined, examine
from slipyard.webhooks.hook_settings import new_secret
from slipyard.webhooks.providers import PROVIDERS
from tests.data.webhooks.messages import ALL, GITLAB_PUSH, Message
from tests.data.webhooks.proving import SIGNATURES, proving

ONE_OF_EACH = {message.provider: message for message in reversed(ALL.values())}
# By `sign` of npm's @octokit/webhooks-methods 6.0.0.
OCTOKIT_SECRET = "It\u2019s a secret"
OCTOKIT_BODY = '{"ref":"refs/heads/main","text":"schön ✨"}'
OCTOKIT_SIGNATURE = "sha256=dfd74067a24e0fcb07ecace21668c131bc3542e3f144e16250f0825a53fdc10d"

Sender = Callable[[Message, str, bytes], dict[str, str]]


def accepted(
    message: Message, secret: str, headers: dict[str, str], body: bytes, scheme: str | None = None
) -> Examined:
    settings = HookSettings.model_validate(message.settings | ({"scheme": scheme} if scheme else {}))
    return examine(Claim(PROVIDERS[message.provider], settings, headers, secret.encode()), body)


def sent(message: Message, secret: str, body: bytes, scheme: str = "") -> dict[str, str]:
    scheme = scheme or message.settings.get("scheme", "")
    proof = proving(message.provider, secret, body, scheme, message.settings.get("header", ""))
    return message.headers | (proof or {"slipyard-path-secret": secret})


@pytest.mark.parametrize("name", ALL)
def test_the_right_secret_proves_every_message(name: str) -> None:
    message, secret = ALL[name], "s3cret"
    body = json.dumps(message.body).encode()

    found = accepted(message, secret, sent(message, secret, body), body)

    assert found.body == body
    assert secret not in str(found.headers)


@pytest.mark.parametrize("provider", sorted(ONE_OF_EACH))
def test_nothing_else_does(provider: str) -> None:
    message, secret = ONE_OF_EACH[provider], "s3cret"
    body = json.dumps(message.body).encode()
    right = sent(message, secret, body)
    wrong = sent(message, "other", body)
    none = {name: value for name, value in right.items() if wrong.get(name) == value}
    empty = dict.fromkeys(right, "")

    for headers in (wrong, none, empty):
        with pytest.raises(Unauthorized):
            accepted(message, secret, headers, body)
    for headers in (right, empty, sent(message, "", body)):
        with pytest.raises(Unauthorized):
            accepted(message, "", headers, body)


@pytest.mark.parametrize("provider", ["github", "gitea", "forgejo", "bitbucket", "bitbucket-server", "generic"])
def test_a_signature_covers_every_byte(provider: str) -> None:
    message = ONE_OF_EACH.get(provider, GITLAB_PUSH)
    claim = Claim(PROVIDERS[provider], HookSettings(), {}, b"s3cret")
    body = json.dumps(message.body).encode()

    with pytest.raises(Unauthorized):
        examine(Claim(claim.provider, claim.settings, proving(provider, "s3cret", body), b"s3cret"), body + b" ")


@pytest.mark.parametrize(
    "header", ["", "sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40, "0" * 64, "sha256=\udcff", "SHA256=" + "0" * 64]
)
@pytest.mark.parametrize("provider", ["github", "gitea", "bitbucket"])
def test_odd_signatures(provider: str, header: str) -> None:
    name = next(iter(proving(provider, "s", b"{}")))

    with pytest.raises(Unauthorized):
        examine(Claim(PROVIDERS[provider], HookSettings(), {name: header}, b"s"), b"{}")


def test_another_providers_header_proves_nothing() -> None:
    """Forgejo sends those of Gitea and GitHub too."""
    body = json.dumps(ONE_OF_EACH["gitea"].body).encode()
    headers = ONE_OF_EACH["forgejo"].headers | proving("gitea", "s", body) | proving("github", "s", body)

    with pytest.raises(Unauthorized):
        accepted(ONE_OF_EACH["forgejo"], "s", headers, body)


def test_a_token_does_not_replace_a_signature_nor_the_reverse() -> None:
    body = json.dumps(GITLAB_PUSH.body).encode()
    secret = new_secret(PROVIDERS["gitlab"], HookSettings(scheme="signature"))

    with pytest.raises(Unauthorized):
        accepted(GITLAB_PUSH, secret, sent(GITLAB_PUSH, secret, body, "token"), body, "signature")
    with pytest.raises(Unauthorized):
        accepted(GITLAB_PUSH, secret, sent(GITLAB_PUSH, secret, body, "signature"), body, "token")


def test_a_signature_by_octokit() -> None:
    headers = {"x-github-event": "push", "x-hub-signature-256": OCTOKIT_SIGNATURE}
    claim = Claim(PROVIDERS["github"], HookSettings(), headers, OCTOKIT_SECRET.encode())

    with pytest.raises(UserError, match="is not a commit") as refused:
        examine(claim, OCTOKIT_BODY.encode())
    assert not isinstance(refused.value, Unauthorized)


@pytest.mark.parametrize("provider", ["github", "gitea", "forgejo", "bitbucket", "bitbucket-server"])
def test_a_signature_by_openssl(provider: str) -> None:
    body = json.dumps(ONE_OF_EACH.get(provider, GITLAB_PUSH).body).encode()
    made = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", "s3cret"], input=body, capture_output=True, check=True
    )
    name, prefix = SIGNATURES[provider]
    headers = {name: prefix + made.stdout.decode().split()[-1]}

    assert PROVIDERS[provider].proof(HookSettings()).holds(b"s3cret", headers, body)
    assert not PROVIDERS[provider].proof(HookSettings()).holds(b"s3cret", headers, body[:-1])


def test_a_signature_by_standardwebhooks() -> None:
    secret = new_secret(PROVIDERS["gitlab"], HookSettings(scheme="signature"))
    body, moment = json.dumps(GITLAB_PUSH.body), datetime.now(UTC)
    signature = Webhook(secret).sign("msg_1", moment, body)
    headers = GITLAB_PUSH.headers | {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": f"v1,{base64.b64encode(b'x' * 32).decode()} {signature}",
    }

    found = accepted(GITLAB_PUSH, secret, headers, body.encode(), "signature")

    assert (found.provider_id, found.replayable) == ("msg_1", False)
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        with pytest.raises(Unauthorized):
            accepted(GITLAB_PUSH, secret, headers | {name: "1"}, body.encode(), "signature")


@pytest.mark.parametrize("value", ["Basic", "Basic !", "Basic czNjcmV0", "Bearer eDpzM2NyZXQ=", "Basic eDpvdGhlcg=="])
def test_odd_basic_credentials(value: str) -> None:
    message = ONE_OF_EACH["azure-devops"]

    with pytest.raises(Unauthorized):
        accepted(message, "s3cret", {"authorization": value}, json.dumps(message.body).encode())

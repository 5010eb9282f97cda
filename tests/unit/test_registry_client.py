"""What a registry may answer, and what becomes of it: nothing that is not whole counts as there."""

import json
import socket
from hashlib import sha256

import httpx
import pytest

from slipyard.clients.registry import Registry
from slipyard.domain.credentials import Credentials
from slipyard.domain.errors import HostUnknown, NotFound, Unavailable, UserError, ValidationFailed

CONFIG = f"sha256:{'c' * 64}"
OCI, OCI_INDEX = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
BODY = json.dumps({"mediaType": OCI, "config": {"digest": CONFIG}}).encode()
ME = Credentials("me", "s3cret")


def digest(body: bytes) -> str:
    return f"sha256:{sha256(body).hexdigest()}"


def registry(answer) -> Registry:
    """`answer` takes a request and gives a response or a body."""

    def respond(request: httpx.Request) -> httpx.Response:
        given = answer(request)
        return given if isinstance(given, httpx.Response) else httpx.Response(200, content=given)

    return Registry(httpx.MockTransport(respond))


async def test_a_registry_that_does_not_answer_is_unavailable():
    def refuse(request):
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(Unavailable, match=r"reg\.example does not answer"):
        await registry(refuse).manifest("reg.example/app:1")


def unresolved(reason: int):
    """As the library raises it: the resolver's answer is the cause of its cause."""

    def refuse(request):
        error = httpx.ConnectError("not resolved", request=request)
        error.__context__ = OSError("all attempts failed")
        error.__context__.__cause__ = socket.gaierror(reason, "not resolved")
        raise error

    return refuse


async def test_a_registry_whose_name_does_not_exist_is_said_to_be_misspelled():
    with pytest.raises(HostUnknown, match=r"no registry reg\.exmaple: .*Check how it is spelled"):
        await registry(unresolved(socket.EAI_NONAME)).manifest("reg.exmaple/app:1")


async def test_a_name_server_that_is_away_says_nothing_about_the_name():
    with pytest.raises(Unavailable, match=r"Try again later") as caught:
        await registry(unresolved(socket.EAI_AGAIN)).manifest("reg.example/app:1")
    assert not isinstance(caught.value, HostUnknown)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_registry_in_trouble_is_unavailable(status):
    with pytest.raises(Unavailable, match=str(status)):
        await registry(lambda _: httpx.Response(status)).manifest("reg.example/app:1")


async def test_what_is_not_there_is_not_found_and_deleted_already():
    nothing = registry(lambda _: httpx.Response(404))
    with pytest.raises(NotFound):
        await nothing.manifest("reg.example/app:1")
    await nothing.delete("reg.example/app:1")


@pytest.mark.parametrize("body", [BODY[:-5], b"", b"<html>a login page</html>", b"[]"])
async def test_a_manifest_that_arrived_cut_or_changed_is_never_believed(body):
    said = {"docker-content-digest": digest(BODY)}
    with pytest.raises(Unavailable, match="cut or changed"):
        await registry(lambda _: httpx.Response(200, content=body, headers=said)).manifest("reg.example/app:1")
    with pytest.raises(Unavailable, match="cut or changed"):
        await registry(lambda _: body).manifest(f"reg.example/app@{digest(BODY)}")


async def test_a_manifest_without_end_is_cut_off():
    with pytest.raises(Unavailable, match="4 MiB"):
        await registry(lambda _: b" " * (5 * 1024 * 1024)).manifest("reg.example/app:1")


async def test_what_is_no_image_is_refused():
    chart = json.dumps({"mediaType": OCI}).encode()
    with pytest.raises(ValidationFailed, match="names no configuration"):
        await registry(lambda _: chart).manifest("reg.example/app:1")
    with pytest.raises(ValidationFailed, match="not an image"):
        await registry(lambda _: b'{"mediaType": "text/x"}').manifest("reg.example/app:1")


async def test_an_index_may_not_lead_elsewhere():
    entry = {"platform": {"os": "linux", "architecture": "amd64"}, "digest": "../../other/manifests/latest"}
    index = json.dumps({"mediaType": OCI_INDEX, "manifests": [entry]}).encode()
    with pytest.raises(ValidationFailed, match="and it is none"):
        await registry(lambda _: index).manifest("reg.example/app:1")


async def test_an_image_says_its_digest_and_its_config():
    seen = await registry(lambda _: BODY).manifest("reg.example/team/app:1")
    assert (seen.digest, seen.config_digest, seen.media_type) == (digest(BODY), CONFIG, OCI)


async def test_of_an_index_the_image_for_this_platform_counts():
    entries = [
        {"platform": {"os": "linux", "architecture": "arm64"}, "digest": f"sha256:{'a' * 64}"},
        {"platform": {"os": "linux", "architecture": "amd64"}, "digest": digest(BODY)},
    ]
    index = json.dumps({"mediaType": OCI_INDEX, "manifests": entries}).encode()
    seen = await registry(lambda request: BODY if digest(BODY) in request.url.path else index).manifest(
        "reg.example/a:1"
    )
    assert (seen.digest, seen.config_digest, seen.media_type) == (digest(index), CONFIG, OCI_INDEX)
    only_arm = json.dumps({"mediaType": OCI_INDEX, "manifests": entries[:1]}).encode()
    with pytest.raises(NotFound, match="linux/amd64"):
        await registry(lambda _: only_arm).manifest("reg.example/a:1")


def guarded(challenge: str, accepted: str):
    """Wants one exact `Authorization`, and says how to get it."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request):
        asked.append(request)
        if request.url.host == "auth.example":
            return httpx.Response(200, json={"token": "t0k"})
        good = request.headers.get("authorization") == accepted
        return BODY if good else httpx.Response(401, headers={"www-authenticate": challenge})

    return registry(answer), asked


async def test_basic_credentials_are_given_where_they_are_asked_for():
    door, asked = guarded('Basic realm="x"', "Basic bWU6czNjcmV0")
    assert (await door.manifest("reg.example/app:1", ME)).config_digest == CONFIG
    assert "authorization" not in asked[0].headers
    with pytest.raises(UserError, match="name and a password"):
        await door.manifest("reg.example/app:1")


async def test_refused_credentials_are_the_users_fault_and_never_shown():
    door, _ = guarded('Basic realm="x"', "Basic other")
    with pytest.raises(UserError) as caught:
        await door.manifest("reg.example/app:1", ME)
    assert "s3cret" not in str(caught.value)
    assert "Check the credentials" in str(caught.value)


async def test_a_token_is_fetched_from_where_the_registry_says():
    challenge = 'Bearer realm="https://auth.example/token",service="reg",scope="repository:app:pull"'
    door, asked = guarded(challenge, "Bearer t0k")
    await door.manifest("reg.example/app:1", ME)
    token = asked[1]
    assert dict(token.url.params) == {"service": "reg", "scope": "repository:app:pull"}
    assert token.headers["authorization"] == "Basic bWU6czNjcmV0"


async def test_credentials_never_go_to_a_token_service_in_the_clear():
    door, asked = guarded('Bearer realm="http://auth.example/token"', "Bearer t0k")
    with pytest.raises(UserError, match="not https"):
        await door.manifest("reg.example/app:1", ME)
    assert [request.url.host for request in asked] == ["reg.example"]


async def test_a_redirect_is_not_followed():
    away = httpx.Response(307, headers={"location": "https://elsewhere.example/"})
    with pytest.raises(UserError, match="307"):
        await registry(lambda _: away).manifest("reg.example/app:1", ME)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1:5000", "http://127.0.0.1:5000/v2/"),
        ("localhost:5000", "http://localhost:5000/v2/"),
        ("docker.io", "https://registry-1.docker.io/v2/"),
        ("reg.example", "https://reg.example/v2/"),
    ],
)
async def test_plain_http_is_spoken_with_this_machine_only(host, url):
    asked = []
    await registry(lambda request: asked.append(str(request.url)) or b"{}").ping(host)
    assert asked == [url]


class Store:
    """A registry of these manifests, by digest; `latest` is the tag 1. Remembers what was deleted, in order."""

    def __init__(self, latest: bytes, *others: bytes) -> None:
        self.manifests = {digest(body): body for body in (latest, *others)}
        self.latest, self.deleted = digest(latest), []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        wanted = self.latest if name == "1" else name
        if wanted not in self.manifests:
            return httpx.Response(404)
        if request.method == "DELETE":
            assert name.startswith("sha256:")
            self.deleted.append(name)
            del self.manifests[wanted]
            return httpx.Response(202)
        return httpx.Response(200, content=self.manifests[wanted], headers={"docker-content-digest": wanted})


ATTESTATION = json.dumps(
    {
        "mediaType": OCI,
        "config": {"digest": CONFIG},
        "layers": [
            {
                "digest": f"sha256:{'1' * 64}",
                "annotations": {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"},
            },
            {"digest": f"sha256:{'2' * 64}", "annotations": {"in-toto.io/predicate-type": "https://spdx.dev/Document"}},
        ],
    }
).encode()
ATTESTED = json.dumps(
    {
        "mediaType": OCI_INDEX,
        "manifests": [
            {"digest": digest(BODY), "platform": {"os": "linux", "architecture": "amd64"}},
            {
                "digest": digest(ATTESTATION),
                "platform": {"os": "unknown", "architecture": "unknown"},
                "annotations": {"vnd.docker.reference.digest": digest(BODY)},
            },
        ],
    }
).encode()


async def test_deleting_goes_by_digest():
    store = Store(BODY)
    await registry(store).delete("reg.example/app:1")
    assert store.deleted == [digest(BODY)]


async def test_with_an_index_goes_all_that_it_names_also_where_some_of_it_is_gone_already():
    store = Store(ATTESTED, ATTESTATION)
    await registry(store).delete("reg.example/app:1")
    assert store.deleted == [digest(ATTESTED), digest(ATTESTATION)]


async def test_an_index_that_names_what_is_no_digest_leads_nowhere():
    store = Store(
        json.dumps({"mediaType": OCI_INDEX, "manifests": [{"digest": "../../v2/other/manifests/1"}]}).encode()
    )
    with pytest.raises(ValidationFailed):
        await registry(store).delete("reg.example/app:1")


async def test_lists_of_contents_are_those_of_the_image_for_this_platform():
    assert await registry(Store(ATTESTED, BODY, ATTESTATION)).sboms("reg.example/app:1") == (f"sha256:{'2' * 64}",)
    assert await registry(Store(BODY)).sboms("reg.example/app:1") == ()

"""What goes wrong with a code host's API: whose mistake it is, when to ask again, and that the token goes nowhere else."""

import time

import pytest

from slipyard.clients.code_hosts.bitbucket import Bitbucket
from slipyard.clients.code_hosts.gitea import Gitea
from slipyard.clients.code_hosts.github import GitHub
from slipyard.clients.code_hosts.gitlab import GitLab
from slipyard.clients.outside_http import OutsideHttp
from slipyard.domain.errors import AskedToWait, CodeHostRefused, SourceRefused, Unavailable
from tests.flow.code_hosts.scripted_server import ScriptedServer

HOSTS = [GitHub, GitLab, Gitea, Bitbucket]
TOKEN = "t0ken-that-nobody-else-sees"


@pytest.fixture(params=HOSTS, ids=lambda kind: kind.__name__)
def host(request, http, server):
    return request.param(http, server.url, TOKEN)


# Bodies as each of them writes its errors.
SAID = [
    ({"message": "Bad credentials", "documentation_url": "https://docs"}, "Bad credentials"),
    ({"message": "401 Unauthorized"}, "401 Unauthorized"),
    ({"error": "insufficient_scope", "error_description": "needs more", "scope": "api"}, "needs more"),
    ({"message": {"key": ["has already been taken"]}}, "key has already been taken"),
    ({"type": "error", "error": {"message": "Access denied", "detail": "no rights"}}, "Access denied; no rights"),
    ({"errors": [{"context": None, "message": "You are not permitted"}]}, "You are not permitted"),
    ({"message": "Validation Failed", "errors": [{"code": "custom", "message": "key is in use"}]}, "key is in use"),
]


@pytest.mark.parametrize(("body", "words"), SAID)
async def test_a_token_that_is_refused_is_said_in_the_hosts_own_words(host, server, body, words):
    server.on("GET", "/user", 401, body)

    with pytest.raises(CodeHostRefused, match="Make a new one and connect again") as caught:
        await host.account()

    assert words in caught.value.message
    assert TOKEN not in caught.value.message


@pytest.mark.parametrize("status", [403, 404, 409, 422])
async def test_a_refusal_names_the_right_that_is_missing(host, server, status):
    server.on("GET", next(_first_path(host)), status, {"message": "no"})

    with pytest.raises(CodeHostRefused, match=r"It takes .+ It says: no"):
        await host.open_requests("octo/hello")


async def test_too_many_requests_say_when_to_come_back(host, server):
    server.on("GET", "/user", 429, {"message": "slow down"}, headers={"Retry-After": "77"})

    with pytest.raises(AskedToWait, match="77 s") as caught:
        await host.account()

    assert caught.value.seconds == 77


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "{soon}"}, {"message": "API rate limit exceeded"}),
        ({"retry-after": "100"}, {"message": "You have exceeded a secondary limit"}),
    ],
)
async def test_githubs_403_for_too_many_requests_is_no_refusal(http, server, headers, body):
    soon = str(int(time.time()) + 100)
    server.on("GET", "/user", 403, body, headers={name: value.format(soon=soon) for name, value in headers.items()})

    with pytest.raises(AskedToWait) as caught:
        await GitHub(http, server.url, TOKEN).account()

    assert 80 < caught.value.seconds <= 100


async def test_a_secondary_limit_without_headers_waits_a_minute(http, server):
    server.on("GET", "/user", 403, {"message": "You have exceeded a secondary rate limit."})
    with pytest.raises(AskedToWait) as caught:
        await GitHub(http, server.url, TOKEN).account()
    assert caught.value.seconds == 60


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_host_in_trouble_is_asked_again(host, server, status):
    server.on("GET", "/user", status, b"<html>Unicorn!</html>")
    with pytest.raises(Unavailable, match=str(status)):
        await host.account()


@pytest.mark.parametrize("body", [b"<html>a login page</html>", b'{"login": "octo', b"[]", b"null", b""])
async def test_an_answer_that_is_not_what_it_should_be_is_never_believed(host, server, body):
    server.on("GET", next(_first_path(host)), 200, body if body != b"[]" else b'{"values": 3}')
    with pytest.raises(Unavailable):
        await host.open_requests("octo/hello")


async def test_an_answer_that_breaks_off_is_asked_again(host, server):
    server.on("GET", "/user", 200, {"login": "octocat", "username": "octocat"}, cut=5)
    with pytest.raises(Unavailable, match="does not answer"):
        await host.account()


async def test_a_host_that_never_answers_is_left_at_the_deadline(http, server):
    server.on("GET", "/user", hangs=True)
    hurried = OutsideHttp(http.allowed_networks, seconds=0.3)
    with pytest.raises(Unavailable, match=r"within 0\.3 s"):
        await GitHub(hurried, server.url, TOKEN).account()


async def test_an_answer_without_end_is_cut_off(http, server):
    server.on("GET", "/user", 200, b" " * 100_000)
    small = OutsideHttp(http.allowed_networks, seconds=5, most_bytes=50_000)
    with pytest.raises(Unavailable, match="50000 bytes"):
        await GitHub(small, server.url, TOKEN).account()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_the_token_never_follows_to_another_host(host, server, status):
    with ScriptedServer().serving() as other:
        other.on("GET", "/user", 200, {"login": "evil", "username": "evil"})
        server.on("GET", "/user", status, headers={"Location": f"{other.url}/user"})
        with pytest.raises(CodeHostRefused, match="belongs to"):
            await host.account()
        assert other.asked == []


async def test_the_next_page_of_another_host_is_not_read(http, server):
    with ScriptedServer().serving() as other:
        link = f'<{other.url}/x>; rel="next"'
        server.on("GET", "/repos/octo/hello/pulls?state=open&per_page=100", 200, [], headers={"Link": link})
        with pytest.raises(CodeHostRefused, match="belongs to"):
            await GitHub(http, server.url, TOKEN).open_requests("octo/hello")
        assert other.asked == []


async def test_bitbuckets_next_page_of_another_host_is_not_read(http, server):
    with ScriptedServer().serving() as other:
        path = "/repositories/octo/hello/pullrequests?state=OPEN&pagelen=50"
        server.on("GET", path, 200, {"values": [], "next": f"{other.url}/x"})
        with pytest.raises(CodeHostRefused, match="belongs to"):
            await Bitbucket(http, server.url, TOKEN).open_requests("octo/hello")
        assert other.asked == []


async def test_redirects_in_a_circle_end(host, server):
    server.on("GET", "/user", 302, headers={"Location": "/user"})
    with pytest.raises(CodeHostRefused, match="circles"):
        await host.account()


async def test_a_private_address_is_closed_unless_an_operator_opened_it(server):
    with pytest.raises(SourceRefused, match="closed"):
        await GitHub(OutsideHttp(), server.url.replace("http:", "https:"), TOKEN).account()
    with pytest.raises(SourceRefused, match="Plain http"):
        await GitHub(OutsideHttp(), server.url, TOKEN).account()
    assert server.asked == []


async def test_a_name_that_leads_to_a_private_address_is_closed_too(server):
    port = server.url.rpartition(":")[2]
    with pytest.raises(SourceRefused, match="localhost is at"):
        await GitHub(OutsideHttp(), f"https://localhost:{port}", TOKEN).account()
    assert server.asked == []


def _first_path(host):
    match host:
        case GitHub():
            yield "/repos/octo/hello/pulls?state=open&per_page=100"
        case GitLab():
            yield "/projects/octo%2Fhello/merge_requests?state=opened&scope=all&per_page=100"
        case Gitea():
            yield "/repos/octo/hello/pulls?state=open&limit=50"
        case Bitbucket():
            yield "/repositories/octo/hello/pullrequests?state=OPEN&pagelen=50"
